//! Real spellings, and those that must allow nothing.

use super::*;

fn by_address(path: &str) -> Option<String> {
    Some(format!("https://creativecommons.org/{path}"))
}

#[test]
fn licences_that_allow_sharing_are_known_in_every_spelling() {
    let cases = [
        // Addresses.
        ("https://creativecommons.org/licenses/by/4.0/", "CC BY 4.0", "licenses/by/4.0/"),
        ("http://creativecommons.org/licenses/by/2.0", "CC BY 2.0", "licenses/by/2.0/"),
        ("HTTP://www.CreativeCommons.org/licenses/BY-SA/3.0/", "CC BY-SA 3.0", "licenses/by-sa/3.0/"),
        ("//creativecommons.org/licenses/by-nd/2.5/", "CC BY-ND 2.5", "licenses/by-nd/2.5/"),
        ("creativecommons.org/licenses/by-nc/4.0/legalcode.de", "CC BY-NC 4.0", "licenses/by-nc/4.0/"),
        (
            "https://creativecommons.org/licenses/by-nc-sa/4.0/deed.fr",
            "CC BY-NC-SA 4.0",
            "licenses/by-nc-sa/4.0/",
        ),
        (
            "http://creativecommons.org/licenses/by-nc-nd/3.0/de/deed.de",
            "CC BY-NC-ND 3.0 DE",
            "licenses/by-nc-nd/3.0/de/",
        ),
        (
            "http://creativecommons.org/licenses/by-nc-sa/2.0/fr/",
            "CC BY-NC-SA 2.0 FR",
            "licenses/by-nc-sa/2.0/fr/",
        ),
        (
            "http://creativecommons.org/licenses/by/2.5/scotland/",
            "CC BY 2.5 SCOTLAND",
            "licenses/by/2.5/scotland/",
        ),
        ("http://creativecommons.org/licenses/by-nd-nc/1.0/", "CC BY-ND-NC 1.0", "licenses/by-nd-nc/1.0/"),
        ("http://creativecommons.org/licenses/nc-sa/1.0/", "CC NC-SA 1.0", "licenses/nc-sa/1.0/"),
        (
            "Licensed under https://creativecommons.org/licenses/by/4.0/ by Ada",
            "CC BY 4.0",
            "licenses/by/4.0/",
        ),
        ("<a href=\"https://creativecommons.org/licenses/by/4.0/\">CC</a>", "CC BY 4.0", "licenses/by/4.0/"),
        ("https://creativecommons.org/publicdomain/zero/1.0/", "CC0 1.0", "publicdomain/zero/1.0/"),
        (
            "http://creativecommons.org/publicdomain/mark/1.0/deed.en",
            "Public Domain Mark 1.0",
            "publicdomain/mark/1.0/",
        ),
        // Slugs.
        ("CC-BY-4.0", "CC BY 4.0", "licenses/by/4.0/"),
        ("cc-by-nc-nd-4.0", "CC BY-NC-ND 4.0", "licenses/by-nc-nd/4.0/"),
        ("cc-by-sa-3.0-de", "CC BY-SA 3.0 DE", "licenses/by-sa/3.0/de/"),
        ("CC0-1.0", "CC0 1.0", "publicdomain/zero/1.0/"),
        ("cc0", "CC0 1.0", "publicdomain/zero/1.0/"),
        ("by-nc-sa/4.0", "CC BY-NC-SA 4.0", "licenses/by-nc-sa/4.0/"),
        // Free text.
        ("(CC BY-ND 4.0)", "CC BY-ND 4.0", "licenses/by-nd/4.0/"),
        ("CC BY 3", "CC BY 3.0", "licenses/by/3.0/"),
        ("Creative Commons Attribution 3.0 Germany", "CC BY 3.0 DE", "licenses/by/3.0/de/"),
        ("Creative Commons Attribution 4.0 International License", "CC BY 4.0", "licenses/by/4.0/"),
        ("© 2021 Ada, Creative Commons BY-NC-SA 4.0", "CC BY-NC-SA 4.0", "licenses/by-nc-sa/4.0/"),
        (
            "Attribution-NonCommercial-NoDerivs 3.0 Unported (CC BY-NC-ND 3.0)",
            "CC BY-NC-ND 3.0",
            "licenses/by-nc-nd/3.0/",
        ),
        (
            "This work is licensed under a Creative Commons License - Attribution-Noncommercial-Share Alike 3.0 Unported",
            "CC BY-NC-SA 3.0",
            "licenses/by-nc-sa/3.0/",
        ),
        (
            "Creative Commons Namensnennung - Nicht-kommerziell - Keine Bearbeitung 3.0 Deutschland",
            "CC BY-NC-ND 3.0 DE",
            "licenses/by-nc-nd/3.0/de/",
        ),
        (
            "Creative-Commons-Lizenz Namensnennung – Weitergabe unter gleichen Bedingungen 4.0 International",
            "CC BY-SA 4.0",
            "licenses/by-sa/4.0/",
        ),
        (
            "Creative Commons Paternité - Pas d'Utilisation Commerciale - Pas de Modification 2.0 France",
            "CC BY-NC-ND 2.0 FR",
            "licenses/by-nc-nd/2.0/fr/",
        ),
        (
            "Creative Commons: Attribution, No Derivative Works 3.0, some rights reserved",
            "CC BY-ND 3.0",
            "licenses/by-nd/3.0/",
        ),
    ];
    for (text, name, path) in cases {
        let expected = Licence { name: name.to_owned(), url: by_address(path), allows_redistribution: true };
        assert_eq!(read(text), expected, "{text}");
    }
}

#[test]
fn without_a_version_there_is_no_address() {
    for (text, name) in [
        ("cc-by-nc-sa", "CC BY-NC-SA"),
        ("CC-BY", "CC BY"),
        ("cc by", "CC BY"),
        ("CC BY License", "CC BY"),
        ("Creative Commons Attribution", "CC BY"),
        ("creativecommons.org/licenses/by-sa/", "CC BY-SA"),
        ("CC NC-SA", "CC BY-NC-SA"),
        ("Public Domain", "Public domain"),
    ] {
        assert_eq!(
            read(text),
            Licence { name: name.to_owned(), url: None, allows_redistribution: true },
            "{text}"
        );
    }
}

#[test]
fn what_is_not_understood_or_denied_allows_nothing() {
    for text in [
        "",
        "ARR",
        "All rights reserved",
        "© 2021 - All Rights Reserved (CC BY 4.0 for everybody else)",
        "Alle Rechte vorbehalten",
        "(c) 2020 Foo, not licensed under Creative Commons",
        "© Foo. Not licensed under CC BY 4.0",
        "no Creative Commons BY-SA licence",
        "Nicht unter CC BY-SA 4.0 lizenziert",
        "not under https://creativecommons.org/licenses/by/4.0/",
        "CC BY 4.0 except where noted",
        "Theme music: Bensound, CC BY 4.0",
        "Titelmusik unter CC-BY 3.0 von Ada",
        "Photo: CC BY-SA 2.0",
        "Old episodes only: CC BY 2.0",
        "POD-V4V-1.0",
        "pod-v4v-1.0",
        "my-podcast-license-v1",
        "Creative Commons",
        "Licensed under Creative Commons by Ada Lovelace",
        "(CC) by Ada",
        "cc",
        "CC SA",
        "CC BY-SA-ND 3.0",
        "CC BY 9.9",
        "https://creativecommons.org/licenses/by/9.9/",
        "https://creativecommons.org/licenses/BSD/",
        "https://creativecommons.org/licenses/sampling+/1.0/",
        "https://creativecommons.org/licenses/",
        "https://notcreativecommons.org/licenses/by/4.0/",
        "https://creativecommons.org.evil.test/licenses/by/4.0/",
        "https://evil.test/creativecommons.org/licenses/by/4.0/",
        "© Undsoversum GmbH",
        "Copyright 2022 FOR PERSONAL USE ONLY",
        "some rights reserved, see /ongoing/misc/Copyright",
        "by",
        "Attribution",
        "2022 by Ada NC",
        "contains public domain recordings",
    ] {
        let licence = read(text);
        assert!(!licence.allows_redistribution && licence.url.is_none(), "{text}: {licence:?}");
    }
}

#[test]
fn an_unknown_text_is_its_own_name_and_states_nothing() {
    assert_eq!(read(" my\n licence ").name, "my licence");
    assert_eq!(read(&"é".repeat(500)).name.len(), LONGEST_NAME);
    assert_eq!(stated("© 2020 Ada"), None);
    assert_eq!(stated("ALL RIGHTS RESERVED.").unwrap().name, "All rights reserved");
    let long = format!("{} CC BY 4.0", "x ".repeat(LONGEST_TEXT));
    assert_eq!(stated(&long), None);
}
