//! Taking down: out of the clients, then, where the user said so, off the disk. The site follows by itself.

use super::monitor::Event;
use super::{Error, Pipeline};
use crate::handover::Removed;
use crate::store::RemovalJob;
use crate::{error, fs};

impl Pipeline {
    /// Tells a client to let go of what was withdrawn. What it cannot be told now it is told in the next pass.
    pub(super) async fn remove(&self, job: &RemovalJob) -> Result<(), Error> {
        let Some(client) = self.clients.get(&job.client) else { return Ok(()) };
        let now = self.clock.now();
        if !job.take_out {
            self.store.record_left(job.id).await?;
            return Ok(self.store.tell(job.enclosure, now, &format!("{}: left there", job.client)).await?);
        }
        match client.remove(&job.show, &job.file, job.info_hash).await {
            Ok(removed) => {
                // A client that cannot be told may still read the file.
                match &removed {
                    Removed::Unreachable(_) if job.expired => self.store.record_left(job.id).await?,
                    _ => self.store.record_removed(job.id).await?,
                }
                let show = job.show.clone();
                let (story, event) = match removed {
                    Removed::Gone => {
                        let (file, client) = (job.file.clone(), job.client.clone());
                        (format!("{client}: taken out"), Event::Removed { show, file, client })
                    }
                    Removed::Unreachable(why) => (why.clone(), Event::Warning { show, text: why }),
                };
                self.store.tell(job.enclosure, now, &story).await?;
                self.monitor.event(&event);
            }
            Err(problem) => {
                if self.store.record_not_removed(job.id, &problem.message).await? {
                    self.store.tell(job.enclosure, now, &problem.message).await?;
                }
                self.say_once(&job.show, &job.file, &job.client, &problem.message);
                self.note_absence(&job.client, &problem).await?;
            }
        }
        Ok(())
    }

    /// Deletes the files that the user wanted deleted, once no client has them any more.
    pub(super) async fn delete_withdrawn(&self) -> Result<(), Error> {
        for (id, show, file, own) in self.store.deletable(self.clients.keys()).await? {
            let folder = self.folder();
            // What the user has shared himself is his: only our .torrent goes.
            let data = if own { Ok(()) } else { fs::remove(&folder.data(&show, &file, None)) };
            let gone = data.and_then(|()| fs::remove(&folder.torrent(&show, &file)));
            match gone {
                Ok(()) => {
                    let story = "its data is deleted, as the user asked";
                    self.store.record_deleted(id, story, self.clock.now()).await?;
                }
                Err(error) => self.complain(&error::chain(&error)),
            }
        }
        Ok(())
    }
}
