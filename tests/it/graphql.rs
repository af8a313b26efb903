//! Every GraphQL question against GitHub's published schema: it is valid, it costs what was planned, and it asks for no
//! text but the few that are listed here.

use std::collections::{BTreeMap, BTreeSet};

use apollo_compiler::ast::Value;
use apollo_compiler::executable::{Field, Selection, SelectionSet};
use apollo_compiler::validation::Valid;
use apollo_compiler::{ExecutableDocument, Node, Schema};
use undercurrent::collect::github::questions;

use crate::support::fixture_text;

/// The only words of people and names of things that may be asked for, and why.
const TEXTS: [(&str, &str); 13] = [
    ("Team.name", "`identities --teams` at a terminal, never stored"),
    ("Team.slug", "`identities --teams` at a terminal, never stored"),
    ("User.name", "`identities` at a terminal, never stored"),
    ("__Field.name", "what this service knows, by its own words"),
    ("__Type.name", "what this service knows, by its own words"),
    ("PullRequest.title", "ticket keys, in memory"),
    ("PullRequest.headRefName", "ticket keys and reverts, in memory"),
    ("Label.name", "compared with the configured labels"),
    ("Actor.login", "the ending [bot]"),
    ("User.login", "the ending [bot]; `identities` at a terminal"),
    ("GitActor.email", "tells commits without an account apart; hashed"),
    ("Repository.nameWithOwner", "the name on the page"),
    ("PageInfo.endCursor", "the way on"),
];

/// Scalars that hold no words.
const WORDLESS: [&str; 7] = ["Int", "Boolean", "DateTime", "GitTimestamp", "GitObjectID", "ID", "Float"];

/// The schema as published. It defines two fields twice; the first of each stands.
fn schema() -> Valid<Schema> {
    let text = fixture_text("github/schema.graphql.gz");
    let schema = Schema::parse(text, "schema.graphql").unwrap_or_else(|faulty| {
        let faults: Vec<String> = faulty.errors.iter().map(|fault| fault.error.to_string()).collect();
        assert!(faults.iter().all(|fault| fault.contains("duplicate definitions")), "{faults:?}");
        faulty.partial
    });
    Valid::assume_valid(schema)
}

/// What a walk over a question adds up.
#[derive(Default)]
struct Sum {
    /// Requests that would fill every connection, by GitHub's published formula.
    requests: u64,
    /// Nodes that may come.
    nodes: u64,
    /// Leaves that may hold text, as `Type.field`.
    texts: BTreeSet<String>,
}

struct Reader<'a> {
    schema: &'a Valid<Schema>,
    document: &'a Valid<ExecutableDocument>,
    /// The size of a page that a variable names.
    first: u64,
    /// Parts that only a later night asks for are counted too.
    later: bool,
}

impl Reader<'_> {
    fn add(&self, set: &SelectionSet, enclosing: u64, sum: &mut Sum) {
        for selection in &set.selections {
            match selection {
                Selection::Field(field) => self.field(set, field, enclosing, sum),
                Selection::InlineFragment(inline) => self.add(&inline.selection_set, enclosing, sum),
                Selection::FragmentSpread(spread) => {
                    self.add(&self.document.fragments[&spread.fragment_name].selection_set, enclosing, sum);
                }
            }
        }
    }

    fn field(&self, set: &SelectionSet, field: &Node<Field>, enclosing: u64, sum: &mut Sum) {
        if field.directives.has("include") && !self.later {
            return;
        }
        let kind = field.ty().inner_named_type();
        if field.selection_set.selections.is_empty() {
            let named = self.schema.types.get(kind);
            if field.name != "__typename"
                && !WORDLESS.contains(&kind.as_str())
                && named.is_some_and(|named| named.is_scalar())
            {
                sum.texts.insert(format!("{}.{}", set.ty, field.name));
            }
            return;
        }
        let first = field.arguments.iter().find(|argument| argument.name == "first" || argument.name == "last");
        let size = first.map(|argument| match argument.value.as_ref() {
            Value::Int(number) => number.to_string().parse().expect("a size is a number"),
            Value::Variable(_) => self.first,
            other => panic!("a size is a number or a variable, not {other}"),
        });
        if size.is_some() {
            sum.requests += enclosing;
        } else {
            assert!(!kind.ends_with("Connection"), "{} is a connection without a size", field.name);
        }
        let inner = enclosing * size.unwrap_or(1);
        sum.nodes += if size.is_some() { inner } else { 0 };
        self.add(&field.selection_set, inner, sum);
    }
}

fn sum(schema: &Valid<Schema>, name: &str, text: &str, first: u64, later: bool) -> Sum {
    let document = ExecutableDocument::parse_and_validate(schema, text, name)
        .unwrap_or_else(|error| panic!("{name} is not valid:\n{}", error.errors));
    let reader = Reader { schema, document: &document, first, later };
    let mut sum = Sum::default();
    let operations: Vec<_> = document.operations.iter().collect();
    assert_eq!(operations.len(), 1, "{name} is one question");
    reader.add(&operations[0].selection_set, 1, &mut sum);
    sum
}

fn points(requests: u64) -> u64 {
    ((requests + 50) / 100).max(1)
}

#[test]
fn g2_every_question_is_valid_and_asks_for_no_text_beyond_the_list() {
    let schema = schema();
    let allowed: BTreeSet<&str> = TEXTS.iter().map(|(field, _)| *field).collect();
    let mut asked = BTreeSet::new();
    for (name, text) in questions() {
        let sum = sum(&schema, name, &text, 1, true);
        for field in sum.texts {
            assert!(allowed.contains(field.as_str()), "{name} asks for {field}, which no list allows");
            asked.insert(field);
        }
    }
    let obsolete: Vec<&&str> = allowed.iter().filter(|field| !asked.contains(**field)).collect();
    assert!(obsolete.is_empty(), "no question asks for {obsolete:?} any more");
}

#[test]
fn questions_cost_what_was_planned_by_the_published_formula() {
    let schema = schema();
    let texts: BTreeMap<&str, String> = questions().into_iter().collect();
    let costs = |name: &str, first: u64, later: bool| {
        let sum = sum(&schema, name, &texts[name], first, later);
        (points(sum.requests), sum.nodes)
    };
    let cost = |name: &str, first: u64| costs(name, first, true);
    let (page, nodes) = costs("pull requests", 25, false);
    assert!(page <= 2 && nodes < 5_000, "a page of the first night: {page} points, {nodes} nodes");
    let (page, nodes) = cost("pull requests", 40);
    assert!(page <= 8 && nodes < 8_000, "a page of a later night: {page} points, {nodes} nodes");
    let (page, nodes) = cost("issues", 50);
    assert!(page <= 3 && nodes < 6_000, "a page of issues: {page} points, {nodes} nodes");
    // Of fifty repositories: the newest pull request, the newest issue, the last releases.
    assert_eq!(cost("repositories", 1).0, 2);
    for single in ["commits", "accounts", "review counts", "continued lists", "what issues have"] {
        assert_eq!(cost(single, 100).0, 1, "{single}");
    }
    // A page of commits is a point, of whichever repository.
    assert_eq!(cost("commits of several", 1).0, 8);
    assert_eq!(cost("check runs", 1).0, 2);
    assert_eq!((cost("teams", 1), cost("rest of a team", 1).0), ((1, 4020), 1));
}

#[test]
fn g2_a_question_for_a_body_or_an_unknown_field_would_be_found() {
    let schema = schema();
    let wrong = "query { viewer { bodyOfThought } }";
    assert!(ExecutableDocument::parse_and_validate(&schema, wrong, "wrong").is_err());
    let body = "query { repository(owner: \"a\", name: \"b\") { pullRequest(number: 1) { bodyText } } }";
    let sum = sum(&schema, "body", body, 1, true);
    assert!(sum.texts.contains("PullRequest.bodyText"));
}
