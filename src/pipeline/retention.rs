//! How long rows, reports and records stay, and where the secret of the store lies.

use crate::config::StorePlace;
use crate::store::Place;

impl From<&StorePlace> for Place {
    fn from(place: &StorePlace) -> Self {
        Self::new(&place.path, place.key_file.as_deref())
    }
}
