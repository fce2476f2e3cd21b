//! The words of a licence text, in the languages that feeds are written in.

use Condition::{Attribution, NoDerivatives, NonCommercial, ShareAlike};

/// A condition of a Creative Commons licence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Condition {
    Attribution,
    NonCommercial,
    NoDerivatives,
    ShareAlike,
}

impl Condition {
    /// As it is written in an address.
    pub(super) fn of_code(code: &str) -> Option<Self> {
        match code {
            "by" => Some(Attribution),
            "nc" => Some(NonCommercial),
            "nd" => Some(NoDerivatives),
            "sa" => Some(ShareAlike),
            _ => None,
        }
    }
}

/// How the conditions are called; longer names stand before their beginnings.
const CONDITIONS: &[(&str, Condition)] = &[
    ("by", Attribution),
    ("attribution", Attribution),
    ("namensnennung", Attribution),
    ("paternité", Attribution),
    ("attribuzione", Attribution),
    ("atribución", Attribution),
    ("reconocimiento", Attribution),
    ("atribuição", Attribution),
    ("naamsvermelding", Attribution),
    ("erkännande", Attribution),
    ("uznanie autorstwa", Attribution),
    ("nc", NonCommercial),
    ("noncommercial", NonCommercial),
    ("non commercial", NonCommercial),
    ("non commerciale", NonCommercial),
    ("nichtkommerziell", NonCommercial),
    ("nicht kommerziell", NonCommercial),
    ("nicht kommerzielle", NonCommercial),
    ("keine kommerzielle nutzung", NonCommercial),
    ("pas d utilisation commerciale", NonCommercial),
    ("utilisation non commerciale", NonCommercial),
    ("nocomercial", NonCommercial),
    ("no comercial", NonCommercial),
    ("nãocomercial", NonCommercial),
    ("nietcommercieel", NonCommercial),
    ("nd", NoDerivatives),
    ("noderivs", NoDerivatives),
    ("no derivs", NoDerivatives),
    ("noderivatives", NoDerivatives),
    ("no derivative works", NoDerivatives),
    ("no derivatives", NoDerivatives),
    ("keine bearbeitung", NoDerivatives),
    ("keine bearbeitungen", NoDerivatives),
    ("pas de modification", NoDerivatives),
    ("sin obra derivada", NoDerivatives),
    ("sinderivadas", NoDerivatives),
    ("non opere derivate", NoDerivatives),
    ("sa", ShareAlike),
    ("sharealike", ShareAlike),
    ("share alike", ShareAlike),
    ("weitergabe unter gleichen bedingungen", ShareAlike),
    ("partage dans les mêmes conditions", ShareAlike),
    ("partage à l identique", ShareAlike),
    ("compartirigual", ShareAlike),
    ("compartir igual", ShareAlike),
    ("condividi allo stesso modo", ShareAlike),
    ("gelijkdelen", ShareAlike),
];

/// Words that may stand in the name of a licence and change nothing.
const FILLERS: [&str; 16] = [
    "cc",
    "license",
    "licence",
    "lizenz",
    "licencia",
    "licenza",
    "licença",
    "licentie",
    "public",
    "works",
    "international",
    "unported",
    "generic",
    "version",
    "v",
    "de",
];

/// Jurisdictions that are written out.
const PLACES: [(&str, &str); 16] = [
    ("germany", "de"),
    ("deutschland", "de"),
    ("austria", "at"),
    ("österreich", "at"),
    ("switzerland", "ch"),
    ("schweiz", "ch"),
    ("france", "fr"),
    ("italy", "it"),
    ("italia", "it"),
    ("spain", "es"),
    ("españa", "es"),
    ("netherlands", "nl"),
    ("nederland", "nl"),
    ("canada", "ca"),
    ("australia", "au"),
    ("poland", "pl"),
];

const RESERVATIONS: [&str; 9] = [
    "arr",
    "all rights reserved",
    "all right reserved",
    "alle rechte vorbehalten",
    "tous droits réservés",
    "todos los derechos reservados",
    "todos os direitos reservados",
    "tutti i diritti riservati",
    "alle rechten voorbehouden",
];

/// Words that deny, limit to a part, or forbid.
const RESTRICTIONS: [&str; 48] = [
    "not",
    "no",
    "non",
    "never",
    "isn",
    "aren",
    "doesn",
    "cannot",
    "except",
    "excepting",
    "excluding",
    "unless",
    "otherwise",
    "without",
    "nicht",
    "kein",
    "keine",
    "keiner",
    "außer",
    "ausser",
    "ausgenommen",
    "sofern",
    "ohne",
    "pas",
    "sauf",
    "hormis",
    "excepto",
    "salvo",
    "niet",
    "tranne",
    "prohibited",
    "forbidden",
    "verboten",
    "untersagt",
    "interdit",
    "interdite",
    "partly",
    "partially",
    "parts",
    "portions",
    "teilweise",
    "teile",
    "formerly",
    "only",
    "nur",
    "seulement",
    "until",
    "expired",
];

/// What a licence may be of that is not the episode.
const OTHER_WORKS: [&str; 34] = [
    "music",
    "musik",
    "musique",
    "música",
    "musica",
    "song",
    "songs",
    "theme",
    "intro",
    "outro",
    "jingle",
    "jingles",
    "titelmusik",
    "image",
    "images",
    "photo",
    "photos",
    "photography",
    "foto",
    "fotos",
    "bild",
    "bilder",
    "picture",
    "artwork",
    "cover",
    "logo",
    "font",
    "sounds",
    "soundeffekte",
    "transcript",
    "transcripts",
    "text",
    "texts",
    "code",
];

/// What follows a word that denies, where both are the name of a condition.
const CONDITION_BEGINNINGS: [&str; 7] = ["commerc", "kommerz", "comerc", "deriv", "bearbeit", "d", "de"];

/// Words of a text, in lower case: letters and digits, with the point inside a number.
#[derive(Debug, Clone, Default)]
pub(super) struct Words<'a> {
    words: Vec<&'a str>,
    /// Whether a word is joined to the one before by `-`, `_`, `/` or `+`.
    joined: Vec<bool>,
}

/// What [`Words::creative_commons`] has found.
pub(super) struct Named<'a> {
    pub(super) conditions: Vec<Condition>,
    pub(super) version: Option<&'a str>,
    pub(super) place: Option<&'a str>,
    /// The words around.
    pub(super) rest: Words<'a>,
}

impl<'a> Words<'a> {
    /// Of a text in lower case.
    pub(super) fn of(text: &'a str) -> Self {
        let mut words = Self::default();
        let bytes = text.as_bytes();
        let is_digit = |at: Option<usize>| at.and_then(|at| bytes.get(at)).is_some_and(u8::is_ascii_digit);
        let mut end = 0;
        let splits = |(at, c): (usize, char)| {
            let is_point = c == '.' && is_digit(at.checked_sub(1)) && is_digit(Some(at + 1));
            (!c.is_alphanumeric() && !is_point).then_some((at, at + c.len_utf8()))
        };
        let breaks = text.char_indices().filter_map(splits).chain([(text.len(), text.len())]);
        let mut start = 0;
        for (at, next) in breaks {
            if at > start {
                let between = &text[end..start];
                words.words.push(&text[start..at]);
                words.joined.push(end > 0 && matches!(between, "-" | "_" | "/" | "+"));
                end = at;
            }
            start = next;
        }
        words
    }

    pub(super) fn append(&mut self, other: Self) {
        self.words.extend(other.words);
        self.joined.extend(other.joined);
    }

    /// Whether these are all the words.
    pub(super) fn are(&self, phrase: &str) -> bool {
        self.words.iter().copied().eq(phrase.split(' '))
    }

    /// Whether the text keeps all rights; `arr` only as the whole text.
    pub(super) fn reserve_all_rights(&self) -> bool {
        let [slug, phrases @ ..] = RESERVATIONS;
        self.are(slug) || phrases.iter().any(|phrase| self.find(phrase).is_some())
    }

    /// The other words, if the phrase is among them.
    pub(super) fn without(&self, phrase: &str) -> Option<Self> {
        let start = self.find(phrase)?;
        Some(self.around(start, start + phrase.split(' ').count()))
    }

    /// Whether the words deny, forbid, or speak of something else than the episode.
    pub(super) fn restricts(&self) -> bool {
        let followed_by_condition = |at: usize| {
            let next = self.words.get(at + 1).copied().unwrap_or_default();
            CONDITION_BEGINNINGS.iter().any(|begin| match begin.len() {
                1..=2 => next == *begin,
                _ => next.starts_with(begin),
            })
        };
        self.words.iter().enumerate().any(|(at, word)| {
            OTHER_WORKS.contains(word) || (RESTRICTIONS.contains(word) && !followed_by_condition(at))
        })
    }

    /// The first Creative Commons licence that is named.
    pub(super) fn creative_commons(&self) -> Option<Named<'a>> {
        let beginnings = self.words.iter().enumerate().filter_map(|(at, word)| match *word {
            "cc" | "creativecommons" => Some((at, at + 1)),
            "creative" if self.words.get(at + 1) == Some(&"commons") => Some((at, at + 2)),
            _ => None,
        });
        let named = beginnings.into_iter().find_map(|(from, conditions)| self.named(from, conditions));
        // Without the name before it, only what nothing else is called.
        named.or_else(|| self.named(0, 0).filter(|named| named.conditions.len() > 1))
    }

    fn named(&self, from: usize, start: usize) -> Option<Named<'a>> {
        let mut conditions = Vec::new();
        let mut at = self.skip_fillers(start);
        let first = at;
        while let Some((condition, length)) = self.condition(at) {
            conditions.push(condition);
            at = self.skip_fillers(at + length);
        }
        // "Creative Commons by Ada" names a person.
        let is_by_somebody = |at: usize| {
            self.words.get(first) == Some(&"by")
                && !self.joined.get(first).is_some_and(|joined| *joined && first > 0)
                && self.words.get(first + 1).is_some()
                && first + 1 == at
                && self.version(at).is_none()
        };
        let is_enough = match conditions.as_slice() {
            [] => false,
            [Attribution] => !is_by_somebody(at),
            [_] => false,
            _ => true,
        };
        if !is_enough {
            return None;
        }
        let version = self.version(at);
        at += usize::from(version.is_some());
        let place = self.place(at);
        at += usize::from(place.is_some());
        Some(Named { conditions, version, place, rest: self.around(from, at) })
    }

    fn condition(&self, at: usize) -> Option<(Condition, usize)> {
        let named = |phrase: &str| self.stands_at(phrase, at).then(|| phrase.split(' ').count());
        let found = CONDITIONS.iter().filter_map(|&(phrase, condition)| Some((condition, named(phrase)?)));
        found.max_by_key(|&(_, length)| length)
    }

    /// A version as Creative Commons writes it; `4` and `v4.0` are `4.0`.
    fn version(&self, at: usize) -> Option<&'a str> {
        let word = self.words.get(at)?;
        match word.strip_prefix('v').unwrap_or(word) {
            "1" => Some("1.0"),
            "2" => Some("2.0"),
            "3" => Some("3.0"),
            "4" => Some("4.0"),
            version if version.contains('.') => Some(version),
            _ => None,
        }
    }

    fn place(&self, at: usize) -> Option<&'a str> {
        let word = *self.words.get(at)?;
        if let Some((_, code)) = PLACES.iter().find(|(name, _)| *name == word) {
            return Some(code);
        }
        let is_code = word.len() == 2 && word.bytes().all(|byte| byte.is_ascii_lowercase());
        let is_part_of_it = self.joined[at] || at + 1 == self.words.len();
        (is_code && is_part_of_it).then_some(word)
    }

    fn skip_fillers(&self, mut at: usize) -> usize {
        while self.words.get(at).is_some_and(|word| FILLERS.contains(word)) {
            at += 1;
        }
        at
    }

    fn stands_at(&self, phrase: &str, at: usize) -> bool {
        let words = self.words.get(at..).unwrap_or_default();
        let mut words = words.iter();
        phrase.split(' ').all(|word| words.next() == Some(&word))
    }

    fn find(&self, phrase: &str) -> Option<usize> {
        (0..self.words.len()).find(|&at| self.stands_at(phrase, at))
    }

    fn around(&self, start: usize, end: usize) -> Self {
        let mut rest = Self { words: self.words[..start].to_vec(), joined: self.joined[..start].to_vec() };
        rest.append(Self { words: self.words[end..].to_vec(), joined: self.joined[end..].to_vec() });
        rest
    }
}
