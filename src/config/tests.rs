//! Where the file is looked for. What it may hold is tested from outside, in `tests/config.rs`.

use super::*;

#[test]
fn the_named_file_comes_first_and_need_not_exist() {
    let variables = |name: &str| (name == "PODSEED_CONFIG").then(|| "/from/environment".to_owned());
    assert_eq!(Config::find_with(Some(Path::new("/named")), &variables), Ok("/named".into()));
    assert_eq!(Config::find_with(None, &variables), Ok("/from/environment".into()));
}

#[test]
fn the_usual_places_are_those_of_the_folder_the_user_and_the_machine() {
    let home = |name: &str| (name == "HOME").then(|| "/home/me".to_owned());
    let expected = ["./podseed.yaml", "/home/me/.config/podseed/podseed.yaml", "/etc/podseed/podseed.yaml"];
    assert_eq!(usual_places(&home), expected.map(PathBuf::from));
    let xdg = |name: &str| (name == "XDG_CONFIG_HOME").then(|| "/xdg".to_owned());
    assert_eq!(usual_places(&xdg)[1], Path::new("/xdg/podseed/podseed.yaml"));
}
