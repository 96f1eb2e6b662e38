//! Queries that packs stand for.

use std::sync::LazyLock;

use super::pack::Pack;
use super::parser::parse;
use super::query::Query;

/// Phrases that only employers write, and weaker ones that need a word about work nearby.
const JOB_AD: &str = r#"
    #hiring OR #nowhiring OR #wearehiring OR #werehiring OR #jobalert OR #jobopening OR #jobopenings OR #jobvacancy
    OR #stellenangebot OR #stellenausschreibung OR #jobangebot OR #empleo OR #recrutement OR #vagasdeemprego
    OR "we are hiring" OR "we're hiring" OR "we’re hiring" OR "now hiring" OR "currently hiring" OR "is hiring a"
    OR "is hiring an" OR "hiring for the role" OR "hiring for a" OR "job opening" OR "job openings" OR "job vacancy"
    OR "job vacancies" OR "new job alert" OR "view the job description" OR "this job is now open"
    OR ("apply now" OR "apply here" OR "apply today" OR "apply online" OR "apply via")
        NEAR/20 (job OR jobs OR role OR position OR vacancy OR vacancies OR career OR careers OR salary OR internship)
    OR ("open position" OR "open positions" OR "open role" OR "open roles" OR "join our team")
        NEAR/20 (apply OR hiring OR career OR careers OR salary OR cv OR resume OR remote)
    OR raw:"(m/w/d)" OR raw:"(w/m/d)" OR raw:"m/w/d" OR raw:"(f/m/d)" OR raw:"(H/F)"
    OR "wir stellen ein" OR "jetzt bewerben" OR stellenangebot OR stellenausschreibung
    OR "estamos contratando" OR "oferta de empleo" OR "ofertas de empleo" OR "oferta de trabajo" OR "vacante de empleo"
    OR "nous recrutons" OR "on recrute" OR "offre d'emploi" OR "offre d’emploi" OR "offres d'emploi"
    OR "stiamo assumendo" OR "offerta di lavoro" OR "offerte di lavoro"
    OR "estamos a contratar" OR "vaga de emprego" OR "vagas de emprego" OR "wij zoeken een" NEAR/20 (vacature OR solliciteer)
    OR 求人募集 OR 社員募集
"#;

/// Names of prize draws, and what people must do to take part.
const GIVEAWAY: &str = r#"
    giveaway OR giveaways OR sweepstake OR sweepstakes OR #giveaway OR #giveaways OR #giveawayalert OR #win
    OR "enter to win" OR "your chance to win" OR "a chance to win" OR "chances to win" OR "enter for a chance"
    OR "rt to win" OR "retweet to win" OR "repost to win" OR "share to win" OR "follow to win"
    OR ("rt and follow" OR "retweet and follow" OR "follow and rt" OR "follow and retweet" OR "like and retweet"
        OR "like and repost" OR "like and share" OR "tag a friend" OR "tag two friends" OR "tag three friends")
        NEAR/20 (win OR winner OR winners OR prize OR draw OR enter OR entry)
    OR "winner will be announced" OR "winners will be announced" OR "winner will be drawn" OR "winners will be drawn"
    OR gewinnspiel OR gewinnspiele OR "zu gewinnen" OR verlosung OR "wir verlosen" OR "verlosen wir"
    OR sorteamos OR "participa y gana" OR "sigue y gana" OR #sorteo OR "participar en el sorteo" OR "para participar en este sorteo"
    OR #concours NEAR/25 (gagner OR rt OR follow) OR "jeu concours" OR jeuconcours OR "tentez de gagner" OR "à gagner"
    OR "estamos sorteando" OR "participe do sorteio" OR #sorteio OR "concorra a"
    OR プレゼントキャンペーン OR フォロー NEAR/10 抽選で
"#;

static JOB_AD_QUERY: LazyLock<Query> = LazyLock::new(|| parsed(JOB_AD));
static GIVEAWAY_QUERY: LazyLock<Query> = LazyLock::new(|| parsed(GIVEAWAY));

/// Returns the query that a pack stands for.
pub fn query_of(pack: Pack) -> &'static Query {
    match pack {
        Pack::JobAd => &JOB_AD_QUERY,
        Pack::Giveaway => &GIVEAWAY_QUERY,
    }
}

/// Parses a pack. A test shows that all packs are valid; one that is not would match nothing.
fn parsed(text: &str) -> Query {
    parse(text).map_or_else(|_| Query::Any(Vec::new()), |parsed| parsed.query)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::topics::{PreparedText, Subject, TopicSet};

    #[test]
    fn every_pack_is_valid() {
        for text in [JOB_AD, GIVEAWAY] {
            let parsed = parse(text).unwrap();
            assert_eq!(parsed.hints, []);
        }
    }

    fn check(pack: Pack, found: &[&str], left: &[&str]) {
        let query = parse(&format!("is:{}", pack.as_str())).unwrap().query;
        let set = TopicSet::compile(&[query]);
        let matches = |text: &&str| {
            let text = PreparedText::new(text);
            let subject = Subject {
                text: &text,
                lang: None,
                platform: "x",
                author_handle: None,
                author_id: None,
                country: None,
            };
            !set.matches(&subject).is_empty()
        };
        let missed: Vec<_> = found.iter().filter(|text| !matches(text)).collect();
        let wrong: Vec<_> = left.iter().filter(|text| matches(text)).collect();
        assert!(missed.is_empty() && wrong.is_empty(), "missed: {missed:#?}\nwrong: {wrong:#?}");
    }

    #[test]
    fn job_ads_are_told_from_talk_about_jobs() {
        let found = [
            "We're hiring! Nimbrel is looking for a barista in Leeds",
            "We’re HIRING a senior engineer, remote, link in bio",
            "Harborpay is hiring a Compliance Analyst in Dublin",
            "Acme job openings: warehouse, night shift. Apply now.",
            "Store manager position at Nimbrel, £32k salary, apply here: https://jobs.example/7",
            "Join our team at Acme! Send your CV to jobs@acme.example",
            "Nimbrel #NowHiring in Austin",
            "Verkäufer (m/w/d) bei Nimbrel in Köln gesucht",
            "Nimbrel sucht Verstärkung, jetzt bewerben!",
            "¡Estamos contratando! Nimbrel Madrid",
            "Nous recrutons un vendeur chez Nimbrel",
            "Nimbrel: vaga de emprego em Lisboa",
        ];
        let left = [
            "I quit my job at Nimbrel, worst salary I ever had",
            "Nimbrel should hire somebody who reads these complaints",
            "Apply now for the new Nimbrel card? No thanks",
            "My new role at Harborpay starts on Monday!",
            "The charger position on the Nimbrel Buds is awkward",
            "Is anybody at Acme support doing their job?",
            "Nimbrel is hiring back the founder, says the paper",
            "Die Stelle im Display flimmert, Nimbrel antwortet nicht",
            "We were hiking with the Nimbrel all day",
        ];
        check(Pack::JobAd, &found, &left);
    }

    #[test]
    fn giveaways_are_told_from_talk_about_winning() {
        let found = [
            "GIVEAWAY! Two pairs of Nimbrel Buds",
            "Enter to win a Nimbrel speaker, ends Friday",
            "RT & follow for your chance to win a Nimbrel",
            "Like and retweet this post, one winner gets the Nimbrel",
            "Tag a friend below to enter our draw for the new Acme",
            "#NimbrelGiveaway is live",
            "Gewinnspiel: Wir verlosen drei Nimbrel Buds",
            "¡Sorteamos unos Nimbrel! Sigue y gana",
            "Jeu concours Nimbrel, à gagner : un casque",
            "Nimbrel プレゼントキャンペーン 開催中",
        ];
        let left = [
            "Nimbrel wins the phone of the year award",
            "I'd like and keep using it if the battery lasted",
            "My friend will not give away her old Nimbrel",
            "They retweet every praise and ignore complaints",
            "Winner of this comparison: Acme, by far",
            "The battery is a win for Nimbrel",
            "Follow the instructions and it still does not pair",
            "Los Nimbrel me fallan cada semana",
        ];
        check(Pack::Giveaway, &found, &left);
    }
}
