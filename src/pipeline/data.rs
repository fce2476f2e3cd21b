//! Whether the files that clients seed are still there, by their length alone: nothing is read.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::blocking::blocking;
use super::{DataFolder, Error, Pipeline};
use crate::model::EnclosureId;
use crate::store::{self, DataFile, Found, ShowId, Store};

/// Shows whose files are looked at in one go.
const SHOWS_AT_ONCE: u32 = 100;

/// How the files were found.
#[derive(Debug, Default)]
pub(super) struct Data {
    faults: HashMap<EnclosureId, String>,
    /// Files in folders that are away as a whole, or that could not be looked at.
    away: HashSet<EnclosureId>,
    /// What to say of the folders.
    complaints: Vec<String>,
}

impl Data {
    /// What is wrong with a file, with the remedy.
    pub(super) fn fault(&self, id: EnclosureId) -> Option<&str> {
        self.faults.get(&id).map(String::as_str)
    }

    /// Whether nothing can be said of a file.
    pub(super) fn is_away(&self, id: EnclosureId) -> bool {
        self.away.contains(&id)
    }
}

impl Pipeline {
    /// Looks at every file of these shows (`None`: of all) that clients have, and records what has changed since the
    /// last look. A folder that is not there is a disk that is not mounted: that is said, and its files are left as
    /// they are.
    pub(super) async fn look_at_data(&self, shows: Option<&[ShowId]>) -> Result<Data, Error> {
        let mut data = Data::default();
        if let Some(shows) = shows {
            for show in shows {
                self.look_at_files(self.store.data_files_of_show(*show).await?, &mut data).await?;
            }
        } else {
            let mut after = ShowId(0);
            while let Some((last, files)) = self.store.data_files(after, SHOWS_AT_ONCE).await? {
                self.look_at_files(files, &mut data).await?;
                after = last;
            }
        }
        for text in &data.complaints {
            self.complain(text);
        }
        Ok(data)
    }

    async fn look_at_files(&self, files: Vec<DataFile>, data: &mut Data) -> Result<(), Error> {
        let folder = self.folder();
        let (found, places) = blocking(move || {
            let places: Vec<_> = files.into_iter().map(|file| (place(&folder, &file), file)).collect();
            (look(&places), places)
        })
        .await?;
        let is_changed = |file: &DataFile| {
            !found.is_away(file.enclosure) && file.error.as_deref() != found.fault(file.enclosure)
        };
        let changed: Vec<(EnclosureId, Option<String>)> = places
            .iter()
            .filter(|(_, file)| is_changed(file))
            .map(|(_, file)| (file.enclosure, found.fault(file.enclosure).map(str::to_owned)))
            .collect();
        if !changed.is_empty() {
            self.store.record_data(&changed, self.clock.now()).await?;
        }
        for text in changed.iter().filter_map(|(_, error)| error.as_ref()) {
            self.complain(text);
        }
        data.faults.extend(found.faults);
        data.away.extend(found.away);
        data.complaints.extend(found.complaints);
        Ok(())
    }
}

/// Has the files of these episodes fetched again that are not there: also where their whole folder is away, as whoever
/// asks for that knows it.
pub async fn fetch_missing(
    store: &Store,
    folder: &DataFolder,
    episodes: &[Found],
    now: Timestamp,
) -> Result<(), store::Error> {
    let files = store.data_files_of(episodes).await?.into_iter();
    let is_gone = |file: &DataFile| {
        let found = std::fs::metadata(place(folder, file));
        found.is_err_and(|error| error.kind() == ErrorKind::NotFound)
    };
    let missing: Vec<EnclosureId> = files.filter(is_gone).map(|file| file.enclosure).collect();
    store.fetch_again(&missing, now).await
}

fn place(folder: &DataFolder, file: &DataFile) -> PathBuf {
    folder.data(&file.show, &file.file, None)
}

fn look(places: &[(PathBuf, DataFile)]) -> Data {
    let mut folders: BTreeMap<&Path, Vec<(&Path, &DataFile)>> = BTreeMap::new();
    for (path, file) in places {
        folders.entry(path.parent().unwrap_or(Path::new("/"))).or_default().push((path, file));
    }
    let mut data = Data::default();
    for (folder, files) in folders {
        look_into(folder, &files, &mut data);
    }
    data
}

fn look_into(folder: &Path, files: &[(&Path, &DataFile)], data: &mut Data) {
    let mut faults = Vec::new();
    let mut missing = 0;
    for (path, file) in files {
        match std::fs::metadata(path) {
            Ok(found) if found.len() == file.length => {}
            Ok(found) => faults.push((file.enclosure, wrong_length(path, found.len(), file))),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                missing += 1;
                faults.push((file.enclosure, gone(path)));
            }
            Err(error) => {
                data.away.insert(file.enclosure);
                data.complaints.push(format!("{} cannot be looked at: {error}", path.display()));
            }
        }
    }
    // The mount point of a disk that is not mounted is an empty folder, if it is there at all.
    if missing == files.len() && (missing > 1 || !folder.is_dir()) {
        data.away.extend(files.iter().map(|(_, file)| file.enclosure));
        data.complaints.push(format!(
            "none of the {missing} files that clients seed is in {}: is its disk mounted? Nothing is done about them; \
             where they are really gone, `podseed retry` fetches them again",
            folder.display()
        ));
        return;
    }
    data.faults.extend(faults);
}

fn gone(path: &Path) -> String {
    format!("{} is gone; put it back, or `podseed retry` fetches it again", path.display())
}

fn wrong_length(path: &Path, found: u64, file: &DataFile) -> String {
    format!(
        "{} has {found} bytes where {} were handed over; put it back, or remove it and `podseed retry` fetches it again",
        path.display(),
        file.length
    )
}

#[cfg(test)]
mod tests;
