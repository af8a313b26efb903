//! Which custom fields a site has for sprint, flag, estimate and epic, found by what they are and never by number.

use std::collections::BTreeMap;

use serde_json::Value;

use super::answers::text;

/// The ids of the custom fields that are read. A site may have several of a kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CustomFields {
    pub sprint: Vec<String>,
    /// Any chosen option of these flags an issue.
    pub flagged: Vec<String>,
    /// Other check boxes, which flag an issue only where "Impediment" is chosen.
    pub boxes: Vec<String>,
    /// The estimate of team-managed projects.
    pub points: Vec<String>,
    /// Fields that are estimates by name alone: the last resort.
    pub points_by_name: Vec<String>,
    pub epic: Vec<String>,
    /// Names of the fields above in lower case, for histories that give no id.
    pub names: BTreeMap<String, &'static str>,
}

/// How many unnamed check boxes are asked for at most.
const MOST_BOXES: usize = 5;

impl CustomFields {
    /// Looks through the list of a site's fields.
    #[must_use]
    pub fn of(fields: &Value) -> Self {
        let mut custom = Self::default();
        for field in fields.as_array().into_iter().flatten() {
            let Some(id) = text(field.get("id")) else { continue };
            let kind = field.pointer("/schema/custom").and_then(Value::as_str).unwrap_or_default();
            // Names are translated; the original stands beside them, or among the words for searching.
            let own =
                [field.get("name"), field.get("untranslatedName")].into_iter().flatten().filter_map(Value::as_str);
            let clauses = field.get("clauseNames").and_then(Value::as_array).into_iter().flatten();
            let names: Vec<&str> = own.clone().chain(clauses.filter_map(Value::as_str)).collect();
            let (list, meaning) = match kind.rsplit(':').next().unwrap_or_default() {
                "gh-sprint" => (&mut custom.sprint, "sprint"),
                "gh-epic-link" => (&mut custom.epic, "parent"),
                "jsw-story-points" => (&mut custom.points, "estimate"),
                "multicheckboxes" if names.contains(&"Flagged") => (&mut custom.flagged, "flagged"),
                "multicheckboxes" => {
                    custom.boxes.push(id);
                    continue;
                }
                "float" if names.iter().any(|name| is_points(name)) => (&mut custom.points_by_name, "estimate"),
                _ => continue,
            };
            list.push(id);
            custom.names.extend(own.map(|name| (name.to_lowercase(), meaning)));
        }
        if custom.flagged.is_empty() {
            custom.boxes.truncate(MOST_BOXES);
        } else {
            custom.boxes.clear();
        }
        custom
    }

    /// The fields in which issues of one project are estimated, the likeliest first. `boards`: the project of each
    /// board with its estimation field; a board that does not say its project may be anybody's.
    #[must_use]
    pub fn estimates(&self, boards: &[(Option<String>, String)], project: [&str; 2]) -> Vec<String> {
        let own = |told: &Option<String>| told.as_deref().is_none_or(|told| project.contains(&told));
        let mut fields: Vec<String> =
            boards.iter().filter(|(told, _)| own(told)).map(|(_, field)| field.clone()).collect();
        fields.extend(self.points.iter().cloned());
        if fields.is_empty() {
            fields.extend(boards.iter().map(|(_, field)| field.clone()));
        }
        if fields.is_empty() {
            fields.extend(self.points_by_name.iter().cloned());
        }
        let mut seen = std::collections::BTreeSet::new();
        fields.retain(|field| seen.insert(field.clone()));
        fields
    }
}

fn is_points(name: &str) -> bool {
    ["story points", "story point estimate"].contains(&name.to_lowercase().as_str())
}

/// The allow-list of changed fields: what each is called in the store.
#[derive(Clone, Debug, Default)]
pub struct ChangedFields {
    ids: BTreeMap<String, &'static str>,
    names: BTreeMap<String, &'static str>,
}

impl ChangedFields {
    /// The allow-list of a site, with the estimates of one of its projects.
    #[must_use]
    pub fn of(custom: &CustomFields, estimates: &[String]) -> Self {
        let kinds = [(&custom.sprint, "sprint"), (&custom.flagged, "flagged"), (&custom.epic, "parent")];
        let listed = kinds.into_iter().flat_map(|(ids, name)| ids.iter().map(move |id| (id.clone(), name)));
        let estimates = estimates.iter().map(|id| (id.clone(), "estimate"));
        Self { ids: listed.chain(estimates).collect(), names: custom.names.clone() }
    }

    /// The stable name of a changed field; `None` where it is not on the list. `kind` is `custom` or `jira`.
    #[must_use]
    pub fn name(&self, id: Option<&str>, field: &str, kind: Option<&str>) -> Option<&'static str> {
        if let Some(name) = id.and_then(|id| self.ids.get(id)) {
            return Some(name);
        }
        let custom = id.is_some_and(|id| id.starts_with("customfield_")) || kind == Some("custom");
        if custom {
            // An id that is not on the list belongs to another field of the same name.
            return if id.is_some() { None } else { self.custom_name(field) };
        }
        system(&id.unwrap_or(field).to_lowercase())
    }

    fn custom_name(&self, field: &str) -> Option<&'static str> {
        let name = field.to_lowercase();
        self.names.get(&name).copied().or(match name.as_str() {
            "sprint" => Some("sprint"),
            "flagged" => Some("flagged"),
            "epic link" => Some("parent"),
            _ => None,
        })
    }
}

/// Jira's own fields. The description is left out: that it changed is not worth asking for what it said.
fn system(name: &str) -> Option<&'static str> {
    Some(match name {
        "status" => "status",
        "assignee" => "assignee",
        "duedate" => "duedate",
        "fixversions" | "fix version" => "fix_version",
        "priority" => "priority",
        "issuetype" => "issue_type",
        "resolution" => "resolution",
        "parent" | "issueparentassociation" => "parent",
        "key" | "issuekey" => "key",
        "project" => "project",
        _ => return None,
    })
}

/// The fields that Cloud's changelog is asked for, the lively ones first. Its items about keys have no field id: an
/// issue that moved is read once more without a filter.
#[must_use]
pub fn asked(custom: &CustomFields, estimates: &[String]) -> Vec<String> {
    let first = ["status", "assignee", "priority", "resolution", "issuetype", "duedate", "fixVersions"];
    let lively = custom.sprint.iter().chain(&custom.flagged).chain(estimates).cloned();
    let seldom = ["parent", "project"].map(str::to_owned).into_iter().chain(custom.epic.iter().cloned());
    first.map(str::to_owned).into_iter().chain(lively).chain(seldom).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn site() -> CustomFields {
        CustomFields::of(&json!([
            {"id": "status", "name": "Status", "schema": {"system": "status"}},
            {"id": "customfield_1", "name": "Sprint", "schema": {"custom": "com.pyxis.greenhopper.jira:gh-sprint"}},
            {"id": "customfield_2", "name": "Sprint", "schema": {"custom": "x:textfield"}},
            {"id": "customfield_3", "name": "Gemeldet", "untranslatedName": "Flagged", "schema": {"custom": "x:multicheckboxes"}},
            {"id": "customfield_4", "name": "Kästchen", "schema": {"custom": "x:multicheckboxes"}},
            {"id": "customfield_5", "name": "Story point estimate", "schema": {"custom": "y:jsw-story-points"}},
            {"id": "customfield_6", "name": "Story Points", "schema": {"custom": "x:float"}},
            {"id": "customfield_7", "name": "Epos-Verknüpfung", "schema": {"custom": "y:gh-epic-link"}},
            {"name": "no id"}
        ]))
    }

    #[test]
    fn custom_fields_are_known_by_their_kind_in_any_language_and_number() {
        let custom = site();
        assert_eq!(custom.sprint, ["customfield_1"]);
        assert_eq!(custom.flagged, ["customfield_3"]);
        assert!(custom.boxes.is_empty());
        assert_eq!((custom.points, custom.epic), (vec!["customfield_5".to_owned()], vec!["customfield_7".to_owned()]));
    }

    #[test]
    fn an_estimate_is_the_board_s_own_field_and_a_name_is_the_last_resort() {
        let board = |project: Option<&str>, field: &str| (project.map(str::to_owned), field.to_owned());
        let boards = [board(Some("100"), "customfield_6"), board(Some("OPS"), "customfield_9")];
        assert_eq!(site().estimates(&boards, ["100", "PAY"]), ["customfield_6", "customfield_5"]);
        assert_eq!(site().estimates(&boards, ["200", "OPS"]), ["customfield_9", "customfield_5"]);
        assert_eq!(site().estimates(&[board(None, "customfield_9")], ["1", "X"]), ["customfield_9", "customfield_5"]);
        let older = CustomFields { points: Vec::new(), ..site() };
        assert_eq!(older.estimates(&boards, ["1", "X"]), ["customfield_6", "customfield_9"]);
        assert_eq!(older.estimates(&[], ["1", "X"]), ["customfield_6"]);
    }

    #[test]
    fn a_field_of_the_same_name_is_not_mistaken_for_the_one_on_the_list() {
        let fields = ChangedFields::of(&site(), &["customfield_5".to_owned()]);
        let name = |id, field, kind| fields.name(id, field, kind);
        assert_eq!(name(Some("customfield_1"), "Sprint", Some("custom")), Some("sprint"));
        assert_eq!(name(Some("customfield_2"), "Sprint", Some("custom")), None);
        assert_eq!(name(None, "Epos-Verknüpfung", Some("custom")), Some("parent"));
        assert_eq!(name(None, "Status", Some("custom")), None);
        assert_eq!(name(None, "Fix Version", Some("jira")), Some("fix_version"));
        assert_eq!(name(None, "Key", None), Some("key"));
        assert_eq!(name(Some("description"), "description", Some("jira")), None);
    }

    #[test]
    fn check_boxes_without_a_known_name_are_looked_at_where_no_flag_is_known() {
        let custom = CustomFields::of(&json!([
            {"id": "customfield_4", "name": "Hindernis?", "schema": {"custom": "x:multicheckboxes"}}
        ]));
        assert_eq!((custom.flagged.len(), custom.boxes), (0, vec!["customfield_4".to_owned()]));
    }
}
