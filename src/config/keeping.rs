//! `[store]` and `[history]`: where rows lie, how far back they are read and how long they stay.

use toml::Spanned;

use super::parse::{Parser, plain};
use super::reader::Table;
use super::{KEEP_DAYS, StorePlace};

/// Rows stay at least so long: the windows of a night reach two weeks back.
const FEWEST_DAYS: i64 = 14;

impl Parser<'_> {
    /// The store. The folder of the pages is known already.
    pub(super) fn store(&mut self, root: &mut Table<'_>) -> StorePlace {
        let mut store =
            StorePlace { path: self.folder.join("store"), keep_days: KEEP_DAYS, strict: false, key_file: None };
        let Some(mut table) = root.table("store", "[store]", &mut self.notes) else { return store };
        if let Some(path) = table.text("path", &mut self.notes) {
            store.path = self.folder.join(path.get_ref());
        }
        if let Some(days) = table.number("keep-days", &mut self.notes) {
            if *days.get_ref() < FEWEST_DAYS {
                let message = format!("`keep-days` must be at least {FEWEST_DAYS}: a window reaches so far back");
                self.notes.add(days.span(), message);
            }
            store.keep_days = days.into_inner().max(FEWEST_DAYS);
        }
        store.strict = table.bool("strict", &mut self.notes).unwrap_or(false);
        if let Some(file) = table.text("key-file", &mut self.notes) {
            self.key_place(&file, &store);
            store.key_file = Some(self.folder.join(file.get_ref()));
        }
        table.finish(&mut self.notes);
        store
    }

    /// A secret that lies beside what it protects, or where everybody reads, protects nothing.
    fn key_place(&mut self, file: &Spanned<String>, store: &StorePlace) {
        let path = plain(&self.folder.join(file.get_ref()));
        for (folder, what) in [(&store.path, "the store"), (&self.report, "the pages that everybody may read")] {
            if path.starts_with(plain(&self.folder.join(folder))) {
                let message = format!("`key-file` lies apart from {what}: choose another place");
                self.notes.add(file.span(), message);
            }
        }
    }

    /// How far back a first night reads: no further than rows stay.
    pub(super) fn history(&mut self, root: &mut Table<'_>, keep_days: i64) -> i64 {
        let most = KEEP_DAYS.min(keep_days);
        let Some(mut table) = root.table("history", "[history]", &mut self.notes) else { return most };
        let days = table.number("first-sync-days", &mut self.notes);
        table.finish(&mut self.notes);
        let Some(days) = days else { return most };
        if *days.get_ref() <= 0 {
            self.notes.add(days.span(), "`first-sync-days` must be at least 1");
        }
        if *days.get_ref() > keep_days {
            let message = format!("more than `keep-days` ({keep_days}): lower `first-sync-days`, or raise `keep-days`");
            self.notes.add(days.span(), message);
        }
        days.into_inner()
    }
}
