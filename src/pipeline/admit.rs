//! How a show becomes part of a pass: under its terms, with a placement at each of its clients.

use std::sync::Arc;

use super::terms::terms;
use super::{Error, Pass, Pipeline, Target, lock};
use crate::store::ShowId;

impl Pipeline {
    /// Makes a show part of the pass: what is known of it can be claimed from now on. Not once the pass is closed: in a
    /// daemon another configuration has its say then.
    pub(super) async fn admit(
        &self,
        show: ShowId,
        slug: &str,
        target: &Target,
        pass: &Pass,
    ) -> Result<(), Error> {
        let _turn = pass.admission.lock().await;
        if pass.closed.is_cancelled() {
            return Ok(());
        }
        self.store.record_terms(show, &terms(target), target.configured).await?;
        let mut target = target.clone();
        self.settle_terms(slug, &mut target).await?;
        self.store.ensure_placements(slug, &target.clients).await?;
        lock(&pass.shows).insert(slug.to_owned(), Arc::new(target));
        self.store.join_pass(show, pass.id).await?;
        pass.comparable.grew();
        pass.fetchable.grew();
        pass.placeable.grew();
        Ok(())
    }
}
