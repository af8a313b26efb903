//! Where the configuration puts the store and its secret, in the store's own terms.

use crate::config::StorePlace;
use crate::store::Place;

impl From<&StorePlace> for Place {
    fn from(place: &StorePlace) -> Self {
        Self::new(&place.path, place.key_file.as_deref())
    }
}
