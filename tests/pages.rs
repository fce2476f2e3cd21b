//! The pages in a real browser: for whoever reads them by day, by night, on a phone, by keyboard, without scripts,
//! and for whoever attacks them through a feed.

mod shows;

use std::path::{Path, PathBuf};

use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use podseed::model::{PageLanguage, PublishedShow};
use podseed::publish::{Options, SiteFile, assets, index_pages, reencode, show_pages};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::browser::{Browser, Reader};

/// The pages that are looked at: list, explanation, newest and older episodes, German, one episode, none at all.
const PAGES: [&str; 8] = [
    "index.html",
    "about.html",
    "about-de.html",
    "resonator/index.html",
    "resonator/page-1.html",
    "aetherwellen/index.html",
    "single/index.html",
    "404.html",
];

fn options() -> Options {
    Options {
        // The root path, so that 404.html finds its style at any port.
        base_url: Some("https://torrents.example/".parse().unwrap()),
        language: PageLanguage::English,
        contact: Some("mirror@resonator.example".to_owned()),
        web_seed: true,
        ..Options::default()
    }
}

/// A folder with the pages of these shows.
fn site(shows: &[PublishedShow], options: &Options) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let cards: Vec<_> = shows.iter().map(PublishedShow::card).collect();
    let pages = shows.iter().flat_map(|show| show_pages(show, options));
    for SiteFile { path, bytes } in index_pages(&cards, options).into_iter().chain(assets()).chain(pages) {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
    for show in shows.iter().filter(|show| show.cover) {
        std::fs::write(folder.path().join(&show.slug).join("cover.jpg"), cover()).unwrap();
    }
    folder
}

fn cover() -> Vec<u8> {
    let wave = |x: u32, y: u32| {
        let (x, y) = (f64::from(x) / 80.0, f64::from(y) / 80.0);
        let ring = ((x - 6.0).hypot(y - 7.0) * 2.2).sin() * 0.5 + 0.5;
        Rgb([40.0 + 180.0 * ring, 60.0 + 60.0 * ring, 70.0 + 20.0 * (1.0 - ring)].map(|value| value as u8))
    };
    let mut png = std::io::Cursor::new(Vec::new());
    DynamicImage::ImageRgb8(RgbImage::from_fn(900, 900, wave)).write_to(&mut png, ImageFormat::Png).unwrap();
    reencode(png.get_ref()).unwrap()
}

/// The ordinary shows.
fn good_site() -> TempDir {
    site(&[shows::resonator(250), shows::aetherwellen(30), shows::single()], &options())
}

#[test]
fn axe_core_finds_nothing_serious_by_day_by_night_and_on_a_phone() {
    let site = good_site();
    let mut browser = Browser::start(Reader::DESK);
    let origin = browser.serve(site.path());
    let mut found = Vec::new();
    for (name, reader) in [("light", Reader::DESK), ("dark", Reader::NIGHT), ("phone", Reader::PHONE)] {
        browser.restart(reader);
        for page in PAGES {
            browser.open(&origin, page);
            // What is folded away is looked at, too.
            browser.run(
                "document.querySelectorAll('details').forEach((details, index) => details.open = index < 3)",
            );
            found.extend(browser.axe().into_iter().map(|violation| format!("{name} {page}: {violation}")));
            browser.screenshot(&format!("{}-{name}", page.trim_end_matches(".html").replace('/', "-")));
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn nothing_scrolls_sideways_on_a_phone() {
    let site = site(&[shows::resonator(250), shows::aetherwellen(30), shows::hostile()], &options());
    let mut browser = Browser::start(Reader::PHONE);
    let origin = browser.serve(site.path());
    for page in [
        "index.html",
        "about.html",
        "about-de.html",
        "404.html",
        "resonator/index.html",
        "aetherwellen/index.html",
        "hostile/index.html",
    ] {
        browser.open(&origin, page);
        browser.run("document.querySelectorAll('details').forEach((details) => details.open = true)");
        let wide = browser.run(
            "return [...document.querySelectorAll('body, body *')]
                .filter((element) => element.getBoundingClientRect().right > innerWidth + 0.5)
                .map((element) => element.outerHTML.slice(0, 120)).slice(0, 3)
                .concat(document.documentElement.scrollWidth > innerWidth ? ['the page itself'] : [])",
        );
        assert_eq!(wide, json!([]), "{page} is wider than 320 pixels");
        browser.screenshot(&format!("{}-unfolded", page.trim_end_matches(".html").replace('/', "-")));
    }
}

#[test]
fn a_hostile_feed_does_nothing_in_a_browser_with_scripts() {
    let site = site(&[shows::hostile()], &options());
    let mut browser = Browser::start(Reader::DESK);
    let origin = browser.serve(site.path());
    for page in ["index.html", "hostile/index.html"] {
        browser.open(&origin, page);
        // Everything that a reader may touch is touched.
        browser.run(
            "document.querySelectorAll('details').forEach((details) => details.open = true);
             for (const element of document.querySelectorAll('*')) {
                 for (const type of ['mouseover', 'mouseenter', 'focus', 'toggle', 'error', 'load'])
                     element.dispatchEvent(new Event(type, {bubbles: true}));
             }
             document.querySelectorAll('button').forEach((button) => button.click());",
        );
        assert_eq!(browser.run("return window.pwned ?? null"), Value::Null, "{page}");
        let schemes = browser.run(
            "return [...new Set([...document.querySelectorAll('[href], [src], [action]')]
                .map((element) => new URL(element.href ?? element.src ?? element.action, location).protocol))].sort()",
        );
        for scheme in schemes.as_array().unwrap() {
            assert!(
                ["http:", "https:", "magnet:"].contains(&scheme.as_str().unwrap()),
                "{page} links to {scheme}"
            );
        }
        let foreign = browser.run(
            "return [...document.querySelectorAll('iframe, base, style, object, embed, form, [style], main script, main svg, meta[http-equiv=refresh]')]
                .concat([...document.querySelectorAll('*')].filter((element) =>
                    [...element.attributes].some((attribute) => attribute.name.startsWith('on'))))
                .map((element) => element.outerHTML)",
        );
        assert_eq!(foreign, json!([]), "{page}");
        browser.assert_still_quiet(&origin, page);
        browser.screenshot(&format!("{}-attack", page.trim_end_matches(".html").replace('/', "-")));
    }
    assert_eq!(browser.run("return document.title.includes('<script>')"), true, "the title is text");
    let titles = "document.querySelectorAll('.episodes > li > article h3')";
    assert_eq!(browser.run(&format!("return {titles}.length")), 21, "no text has closed its element");
}

#[test]
fn the_content_security_policy_stops_what_would_still_get_in() {
    let site = site(&[shows::single()], &options());
    let page = site.path().join("single/index.html");
    let text = std::fs::read_to_string(&page).unwrap();
    let injected = "<script>window.pwned=1</script><img src=x onerror=window.pwned=2><style>body{--pwned:3}</style>\
                    <img src=https://evil.example/x.png><a id=lure href=javascript:window.pwned=4>x</a></main>";
    std::fs::write(&page, text.replace("</main>", injected)).unwrap();
    let mut browser = Browser::start(Reader::DESK);
    let origin = browser.serve(site.path());
    let seen = browser.visit(&origin, "single/index.html");
    browser.run("document.querySelector('#lure').click()");
    assert_eq!(browser.run("return window.pwned ?? null"), Value::Null);
    assert_eq!(browser.run("return getComputedStyle(document.body).getPropertyValue('--pwned')"), "");
    let console = seen["console"].to_string();
    for kept_out in ["script-src 'self'", "style-src 'self'", "img-src 'self'"] {
        assert!(console.contains(kept_out), "nothing of {kept_out} in {console}");
    }
}

#[test]
fn the_keyboard_reaches_everything_in_order_and_the_focus_is_seen() {
    let site = site(&[shows::resonator(6)], &options());
    let mut browser = Browser::start(Reader::DESK);
    let origin = browser.serve(site.path());
    browser.open(&origin, "resonator/index.html");
    let mut reached = Vec::new();
    for _ in 0..200 {
        browser.keys(&["Tab"]);
        let focus = browser.run(
            "const element = document.activeElement;
             if (element === document.body) return null;
             const style = getComputedStyle(element);
             return {name: element.id || element.className || element.textContent.trim(), href: element.getAttribute('href'),
                     seen: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2,
                     inside: element.getBoundingClientRect().top >= 0};",
        );
        if focus.is_null() {
            break;
        }
        assert_eq!((&focus["seen"], &focus["inside"]), (&json!(true), &json!(true)), "{focus}");
        reached.push(focus);
    }
    assert_eq!(reached[0]["href"], "#content", "the first is the link that skips");
    let position = |wanted: &dyn Fn(&Value) -> bool| reached.iter().position(wanted);
    let search = position(&|focus| focus["name"] == "find").expect("the search field");
    let torrents = browser
        .run("return [...document.querySelectorAll('a[href^=\"torrents/\"]')].map((link) => link.getAttribute('href'))");
    let torrents = torrents.as_array().unwrap();
    assert_eq!(torrents.len(), 9);
    let mut last = search;
    for torrent in torrents {
        let at = position(&|focus| focus["href"] == *torrent)
            .unwrap_or_else(|| panic!("Tab never reaches {torrent}"));
        assert!(at > last, "{torrent} is out of order");
        last = at;
    }
    // The link that skips does so, and what is folded away opens without a mouse.
    browser.open(&origin, "resonator/index.html");
    browser.keys(&["Tab", "Enter"]);
    assert_eq!(browser.run("return document.activeElement.id"), "content");
    browser.run("document.querySelector('summary').focus()");
    browser.keys(&["Enter"]);
    assert_eq!(browser.run("return document.querySelector('details').open"), true);
}

#[test]
fn without_scripts_everything_is_there_but_the_controls_that_need_them() {
    let site = good_site();
    let mut browser = Browser::start(Reader::NO_SCRIPTS);
    let origin = browser.serve(site.path());
    browser.open(&origin, "resonator/index.html");
    browser.screenshot("resonator-no-scripts");
    // selenium's own questions run all the same.
    let counts = browser.run(
        "const count = (what) => [...document.querySelectorAll(what)].filter((element) => element.checkVisibility()).length;
         return [count('.episodes > li'), count('a[href^=\"torrents/\"]'), count('.search'), count('button')]",
    );
    assert_eq!(counts, json!([50, 53, 0, 0]));
    browser.keys(&["Tab"]);
    browser.run("document.querySelector('summary').focus()");
    browser.keys(&["Enter"]);
    assert_eq!(browser.run("return document.querySelector('details code').checkVisibility()"), true);
}

/// What is not hidden, of what can be searched.
const VISIBLE: &str =
    "[...document.querySelectorAll('[data-item]')].filter((item) => item.checkVisibility())";

/// Waits until this is so in the page; `browser.py` gives up at last.
fn wait_until(browser: &mut Browser, what: &str) {
    let script = format!(
        "return new Promise((done) => {{ const look = () => {what} ? done(true) : setTimeout(look, 20); look(); }})"
    );
    assert_eq!(browser.run(&script), true, "never: {what}");
}

#[test]
fn search_finds_titles_without_regard_to_case_and_accents_and_languages() {
    let site = good_site();
    let mut browser = Browser::start(Reader::DESK);
    let origin = browser.serve(site.path());
    browser.open(&origin, "resonator/index.html");
    browser.run("document.querySelector('#find').focus()");
    browser.keys(&["uberlag"]);
    wait_until(&mut browser, &format!("{VISIBLE}.length === 5"));
    let status = browser.run("return document.querySelector('[role=status]').textContent");
    assert_eq!(
        status,
        "5 of 50 shown. Only this page was searched. There are more episodes on the other pages."
    );
    browser.screenshot("resonator-search");
    browser.keys(&["zzz"]);
    wait_until(&mut browser, &format!("{VISIBLE}.length === 0"));
    browser.keys(&["Escape"]);
    wait_until(&mut browser, &format!("{VISIBLE}.length === 50"));

    browser.open(&origin, "index.html");
    browser.run("document.querySelector('#language').focus()");
    browser.keys(&["German"]);
    wait_until(&mut browser, &format!("{VISIBLE}.length === 1"));
    assert_eq!(browser.run(&format!("return {VISIBLE}[0].dataset.item")), "Ätherwellen");
    browser.assert_still_quiet(&origin, "index.html");
}

#[test]
fn a_button_copies_with_the_clipboard_of_secure_pages_and_without() {
    let site = site(&[shows::single()], &options());
    let mut browser = Browser::start(Reader::DESK);
    let origin = browser.serve(site.path());
    browser.open(&origin, "single/index.html");
    browser.run("document.querySelector('details').open = true");
    for (button, is_secure) in [(0, true), (1, false)] {
        if !is_secure {
            browser.run("Object.defineProperty(navigator, 'clipboard', {value: undefined})");
        }
        // The button says so for a moment only.
        browser.run(&format!(
            "const button = document.querySelectorAll('button.copy')[{button}];
             const look = () => {{ if (button.textContent === 'Copied') window.copied = {button} }};
             new MutationObserver(look).observe(button, {{childList: true}});
             button.focus()"
        ));
        browser.keys(&["Enter"]);
        wait_until(&mut browser, &format!("window.copied === {button}"));
        // Not into the search field, which would hide the episode.
        browser.run(
            "const field = document.createElement('textarea'); document.body.append(field); field.focus()",
        );
        browser.paste();
        let pasted = browser.run("return document.activeElement.value");
        let code =
            browser.run(&format!("return document.querySelectorAll('details code')[{button}].textContent"));
        assert_eq!(pasted, code, "secure: {is_secure}");
        assert!(code.as_str().unwrap().len() >= 40);
    }
}

fn html_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = crate::support::world::files_below(folder);
    files.retain(|file| file.extension().is_some_and(|extension| extension == "html"));
    files
}

#[test]
fn every_page_is_valid_html() {
    let shows = [shows::resonator(250), shows::aetherwellen(30), shows::single(), shows::hostile()];
    let site = site(&shows, &options());
    let bare = self::site(&[PublishedShow { episodes: Vec::new(), ..shows::single() }], &Options::default());
    let mut browser = Browser::start(Reader::DESK);
    let files: Vec<_> = [site.path(), bare.path()].into_iter().flat_map(html_files).collect();
    assert_eq!(files.len(), 4 + 3 + 1 + 1 + 1 + 4, "{files:?}");
    for file in files {
        assert_eq!(browser.html_errors(&file), Vec::<Value>::new(), "{}", file.display());
    }
}

#[test]
fn the_pages_work_from_a_folder() {
    let site = good_site();
    let mut browser = Browser::start(Reader::DESK);
    let origin = format!("file://{}/", site.path().display());
    for page in PAGES.iter().filter(|page| **page != "404.html") {
        browser.open(&origin, page);
        let links = browser.run(
            "return [...document.querySelectorAll('a[href], link[href], script, img')]
                .map((element) => element.href ?? element.src)
                .filter((href) => href.startsWith('file:') && /\\.(html|css|js|svg|jpg)(#|$)/.test(href))",
        );
        for link in links.as_array().unwrap() {
            let path =
                link.as_str().unwrap().trim_start_matches("file://").split('#').next().unwrap().to_owned();
            assert!(Path::new(&path).is_file(), "{page} links to {path}");
        }
        let styled = browser.run("return getComputedStyle(document.body).maxWidth !== 'none'");
        let searching = browser.run("return document.querySelector('.search')?.hidden ?? false");
        assert_eq!((styled, searching), (json!(true), json!(false)), "{page}");
    }
}
