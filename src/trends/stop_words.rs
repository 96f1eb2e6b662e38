//! Stop words: words that are frequent in posts about any subject.

use std::collections::HashMap;
use std::sync::LazyLock;

/// Stop words by language. Contractions also appear without their apostrophe, because many people write them that way.
const WORDS: [(&str, &str); 7] = [
    (
        "en",
        "a about above after again against ain't aint all also always am an and another any anyone anything are aren't \
         arent around as at away back be because been before being below between both but by came can can't cannot cant \
         come could couldn't couldnt did didn't didnt do does doesn't doesnt doing don't done dont down during each else \
         even ever every everyone everything few first for from get gets getting give go goes going gonna got gotta had \
         hadn't has hasn't have haven't having he he'd he'll he's her here here's hers herself hes him himself his how \
         how's i i'd i'll i'm i've if im in into is isn't isnt it it'd it'll it's its itself ive just keep know last let \
         let's lets like ll lot made make makes many may maybe me might mine more most much must my myself need never \
         next no none nor not nothing now of off ok okay on once one ones only or other others our ours ourselves out \
         over own please put quite rather re really said same saw say says see seen she she'd she'll she's should \
         shouldn't since so some someone something soon still such sure take taken than that that'll that's thats the \
         their theirs them themselves then there there's theres these they they'd they'll they're they've theyre thing \
         things think this those though thought through till to today together told too took toward try two under until \
         up upon us use used ve very via want wanted wants was wasn't wasnt way we we'd we'll we're we've well went were \
         weren't what what's whatever whats when when's where where's which while who who's whole whom whos whose why \
         will with within without won't wont would wouldn't wouldnt yeah yes yet you you'd you'll you're you've your \
         youre yours yourself yourselves ur u r n w im rt amp gt lt quot nbsp http https www com new good great time day \
         people guys man gonna wanna thanks thank lol omg",
    ),
    (
        "es",
        "a al algo ante antes así aun aunque bien cada como con contra cual cuando cuándo da de del desde donde dónde dos \
         e el él ella ellas ellos en entre era eres es esa esas ese eso esos esta está están estas este esto estos estoy \
         fue ha haber había hace hacer han has hasta hay he hoy la las le les lo los más me mi mí mis mucho muy nada ni \
         no nos nosotros o os otra otro para pero poco por porque pues que qué quien quién se ser si sí sido sin sobre \
         solo sólo son soy su sus tal también tan te tener tengo ti tiene todo todos tu tú tus un una uno unos va vamos \
         ver y ya yo",
    ),
    (
        "pt",
        "a agora ainda ao aos aquele aqui as às até bem cada com como da das de dela dele deles depois do dos e é ela \
         elas ele eles em entre era essa esse esta está estão estava este eu faz foi for gente há hoje isso isto já la \
         lhe lo mais mas me mesmo meu meus minha muito na nada não nas nem no nos nós num o onde os ou para pela pelo \
         por porque pra quando que quem se sem ser será seu seus só sobre sua suas também te tem tenho ter teu toda todo \
         todos tu tudo um uma vai você vocês vou",
    ),
    (
        "fr",
        "à ai ait alors après as au aussi autre aux avant avec avez avoir bien c'est ça car ce cela ces cet cette chez \
         comme d'un d'une dans de des donc dont du elle elles en encore entre es est et était être eu fait faire faut il \
         ils j'ai je la là le les leur leurs lui ma mais me même mes moi mon n'est ne non nos notre nous on ont ou où \
         par pas peu peut plus pour pourquoi qu'il qu'on quand que quel quelle qui quoi sa sans se ses si son sont sous \
         suis sur ta te tes toi ton tous tout toute très trop tu un une va vais vos votre vous y",
    ),
    (
        "de",
        "ab aber alle allem allen alles als also am an ander andere auch auf aus bei beim bin bis bist da damit dann das \
         dass daß dein deine dem den denn der des dich die dies diese dieser dieses dir doch dort du durch ein eine \
         einem einen einer eines er es etwas euch euer für ganz gegen gibt habe haben hat hatte hier hinter ich ihm ihn \
         ihr ihre im immer in ins ist ja jede jeder jetzt kann kein keine können machen mal man mehr mein meine mich mir \
         mit muss nach nein nicht nichts noch nun nur ob oder ohne schon sehr sei sein seine seit sich sie sind so soll \
         sollte sondern über um und uns unser unter vom von vor war waren warum was weil wenn wer werden wie wieder will \
         wir wird wirklich wo würde zu zum zur zwischen",
    ),
    (
        "it",
        "a ad ai al alla alle allo anche ancora avere c'è che chi ci come con così cosa da dal dalla degli dei del dell \
         della delle dello di dopo e è ed era essere fa fare fatto già gli ha hai hanno ho i il in io l'ho la le lei li \
         lo loro lui ma me mi mia mio molto ne nei nel nella no noi non nostro o oggi ogni per perché più poco poi può \
         qualche quando quanto quella quello questa questo qui se sei sempre senza si sia sono sta su sua sul sulla suo \
         te ti tra tu tua tuo tutta tutti tutto un una uno va vi voi",
    ),
    (
        "nl",
        "aan al alle als altijd ben bij daar dan dat de der deze die dit doe doen door dus een en er ga gaan gaat geen \
         goed haar had heb hebben heeft hem het hier hij hoe hun ik in is ja je jij kan komt maar meer men met mij mijn \
         moet na naar niet niets nog nu of om omdat ons ook op over te tegen toch toen tot u uit uw van veel voor waar \
         waren was wat we wel werd wie wij wil worden wordt ze zei zelf zich zij zijn zo zonder zou",
    ),
];

/// Returns whether a lower-case word reveals nothing about the subject of its post.
///
/// If the language is unknown or has no list, all lists apply: a stop word of one language is seldom a trend in
/// another.
pub fn is_stop_word(word: &str, lang: Option<&str>) -> bool {
    let Some(lists) = LISTS.get(word) else {
        return false;
    };
    match WORDS.iter().position(|(known, _)| Some(*known) == lang) {
        // English is the first list; it always applies, because posts in any language quote English and platforms add
        // English words.
        Some(index) => lists & (1 << index | 1) != 0,
        None => true,
    }
}

/// For each word, the lists that contain it, as bits. One lookup then suffices for each of a post's dozen words.
static LISTS: LazyLock<HashMap<&str, u8>> = LazyLock::new(|| {
    let mut lists = HashMap::new();
    for (index, (_, words)) in WORDS.iter().enumerate() {
        words.split_whitespace().for_each(|word| *lists.entry(word).or_default() |= 1 << index);
    }
    lists
});

#[cfg(test)]
mod tests {
    use super::*;

    fn check(word: &str, lang: Option<&str>, expected: bool) {
        assert_eq!(is_stop_word(word, lang), expected, "{word} in {lang:?}");
    }

    #[test]
    fn a_word_is_judged_by_the_language_of_its_post() {
        check("the", Some("en"), true);
        check("die", Some("en"), false);
        check("die", Some("de"), true);
        check("die", None, true);
        check("the", Some("tr"), true);
        check("fight", None, false);
    }
}
