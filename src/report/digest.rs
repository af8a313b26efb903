//! A page in a few lines of plain text, for what is sent after the night: the same summary, the same unsaid sentences,
//! the same gaps. It says nothing that the page does not say.

use super::document::{Conversation, document};
use super::input::{Health, Organisation, Team};
use super::page::Maker;
use super::words::{Words, clean};
use crate::catalogue::Catalogue;

/// What is sent about a team.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Digest {
    /// The team's id, which names its page.
    pub team: String,
    /// Team and day, and nothing that was noticed: subjects are read by those who look over a shoulder.
    pub subject: String,
    /// Lines of plain text, with the page's address where it has one.
    pub text: String,
}

/// The digest of every team, in the order of `teams`. `base` is the address below which the latest pages are served.
#[must_use]
pub fn digests(
    organisation: &Organisation,
    teams: &[Team],
    catalogue: &Catalogue,
    words: &Words,
    base: Option<&str>,
) -> Vec<Digest> {
    let maker = Maker { organisation, catalogue, words, style: "", style_hash: "" };
    teams.iter().map(|team| digest(&maker, team, base)).collect()
}

fn digest(maker: &Maker<'_>, team: &Team, base: Option<&str>) -> Digest {
    let Maker { organisation, catalogue, words, .. } = maker;
    let document = document(organisation, team, catalogue, words);
    let day = words.long_day(organisation.as_of.to_zoned_datetime(organisation.zone.clone()).date());
    let name = clean(&team.name);
    let mut lines = vec![words.fill("digest-head", &[("team", &name), ("day", &day)]), document.summary.clone()];
    lines.extend(document.conversations.iter().map(|card| noticed(maker, card)));
    if team.cards.is_empty() && !team.hidden {
        lines.push(maker.quiet(team));
    }
    let broken = team.sources.iter().filter(|source| matches!(source.health, Health::Stale | Health::Failed));
    lines.extend(broken.map(|source| format!("{}.", maker.source(source).line)));
    let link = base.map(|base| format!("{}/{}.html", base.trim_end_matches('/'), team.id));
    lines.extend(link.as_ref().map(|link| words.fill("digest-link", &[("link", link)])));
    lines.push(words.get("purpose"));
    Digest {
        team: team.id.clone(),
        subject: words.fill("digest-subject", &[("team", &name), ("day", &day)]),
        text: lines.join("\n\n") + "\n",
    }
}

/// A card's unsaid sentence and its headline.
fn noticed(maker: &Maker<'_>, card: &Conversation) -> String {
    let words = maker.words;
    let unsaid = match &card.unsaid {
        Some(unsaid) => {
            let quoted = format!("{}{unsaid}{}", words.get("quote-open"), words.get("quote-close"));
            format!("{} {quoted} {}", words.get("unsaid-before"), words.get("unsaid-after"))
        }
        None => words.get(Maker::kicker(card)),
    };
    words.fill("digest-card", &[("headline", &card.headline), ("unsaid", &unsaid)])
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    fn texts(language: &str, base: Option<&str>) -> Vec<Digest> {
        let words = Words::shipped(language).unwrap().unwrap();
        let catalogue = Catalogue::embedded().unwrap();
        digests(&sample::organisation(), &sample::teams(), &catalogue, &words, base)
    }

    #[test]
    fn a_digest_says_what_the_page_says_and_nothing_more() {
        let all = texts("en", Some("https://reports.example.com/latest/"));
        let of = |team: &str| all.iter().find(|one| one.team == team).unwrap();
        let payments = of("payments");
        assert_eq!(payments.subject, "undercurrent: Payments, Monday 23 November 2026");
        for part in [
            "Two things look different from this team's usual.",
            "This can be how an unsaid “I am stuck” looks",
            "https://reports.example.com/latest/payments.html",
            "Not for appraisal",
        ] {
            assert!(payments.text.contains(part), "{part}: {}", payments.text);
        }
        assert!(!payments.text.contains("PAY-4") && !payments.text.contains("16 of"), "{}", payments.text);
        assert!(of("checkout").text.contains("That is not a certificate"));
        let gaps = all.iter().filter(|one| one.text.contains("could not be read")).count();
        assert_eq!(gaps, 1, "{all:#?}");
        assert!(all.iter().any(|one| one.text.contains("Nothing is shown of this group tonight")));
    }

    #[test]
    fn a_digest_speaks_the_reports_language_and_has_no_link_without_an_address() {
        let all = texts("de", None);
        let payments = all.iter().find(|one| one.team == "payments").unwrap();
        assert!(payments.text.contains("unausgesprochen bleibt") && !payments.text.contains("://"), "{payments:?}");
        assert!(payments.subject.contains("23. November"), "{payments:?}");
        assert!(!all.iter().any(|one| one.text.contains('<') || one.text.contains('{')), "{all:#?}");
    }
}
