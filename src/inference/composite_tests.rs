//! Tests with the real networks and the real runtime; they never skip.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use serde::Deserialize;

use super::super::load;
use super::*;

const INSTALL_RUNTIME: &str = "run `scripts/fetch-onnxruntime.sh` first";

/// Difference of two results for the same text that has no other cause than the order of additions.
const EQUAL_WITHIN: f32 = 1e-3;

/// How far apart two results for the same texts are, or may be.
#[derive(Debug, Clone, Copy)]
struct Difference {
    largest: f32,
    /// Average over all texts of the largest difference of any probability.
    average: f32,
    /// Texts, as a share, that differ by more than [`EQUAL_WITHIN`].
    share: f32,
}

impl Difference {
    fn between(actual: &[Prediction], expected: &[Prediction]) -> Self {
        let pairs = actual.iter().zip(expected);
        let each: Vec<f32> = pairs.map(|(actual, expected)| largest_difference(actual, expected)).collect();
        let n_texts = each.len() as f32;
        Self {
            largest: each.iter().copied().fold(0.0, f32::max),
            average: each.iter().sum::<f32>() / n_texts,
            share: each.iter().filter(|difference| **difference > EQUAL_WITHIN).count() as f32 / n_texts,
        }
    }

    fn is_within(self, tolerance: Self) -> bool {
        self.largest <= tolerance.largest
            && self.average <= tolerance.average
            && self.share <= tolerance.share
    }
}

/// Returns the tolerance of a model's results for the same texts, whatever the processor, the version of the runtime
/// and the other texts of the batch.
///
/// The swift model computes in floats, so only the order of its additions differs. The deep model rounds activations to
/// bytes. Where the additions differ, an activation that lies between two bytes may be rounded to the other one, which
/// moves a probability by up to a few hundredths on a few texts: by 0.007 between AVX2 and AVX-512 on a text that fills
/// the whole window with two repeated words, and by less than 0.0001 on all others. Whatever moves most texts has
/// another cause, however little it moves them.
fn tolerance(model: &str) -> Difference {
    match model {
        "deep" => Difference { largest: 0.03, average: 1e-3, share: 0.1 },
        _ => Difference { largest: EQUAL_WITHIN, average: EQUAL_WITHIN, share: 0.0 },
    }
}

fn checkout() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn params() -> LoadParams {
    LoadParams {
        weights_dir: Some(checkout().join("weights")),
        runtime_library: Some(checkout().join(".groundswell/lib/libonnxruntime.so")),
        ..LoadParams::default()
    }
}

/// Models in `weights/`.
const SHIPPED: [&str; 2] = ["deep", "swift"];

/// Returns a shipped model, which is loaded once for all tests.
fn alone(model: &str) -> &'static CompositeFactory {
    static LOADED: [OnceLock<CompositeFactory>; SHIPPED.len()] = [const { OnceLock::new() }; SHIPPED.len()];
    let at = SHIPPED.iter().position(|shipped| *shipped == model).expect("it is shipped");
    LOADED[at].get_or_init(|| match CompositeFactory::load_alone(&params(), &[model.into()], Tier::Swift) {
        Ok(factory) => factory,
        Err(error) => panic!("{error}: {INSTALL_RUNTIME}"),
    })
}

fn swift() -> &'static CompositeFactory {
    alone("swift")
}

fn numbers_of(prediction: &Prediction) -> Vec<f32> {
    let mut numbers = prediction.sentiment.to_vec();
    numbers.extend(prediction.emotion);
    numbers.extend([prediction.toxicity, prediction.churn_risk]);
    numbers
}

fn largest_difference(actual: &Prediction, expected: &Prediction) -> f32 {
    let pairs = numbers_of(actual).into_iter().zip(numbers_of(expected));
    pairs.map(|(actual, expected)| (actual - expected).abs()).fold(0.0, f32::max)
}

/// Checks that a model's results for these texts are the expected ones.
fn assert_close(model: &str, texts: &[&str], (actual, expected): (&[Prediction], &[Prediction])) {
    assert_eq!((actual.len(), expected.len()), (texts.len(), texts.len()));
    let found = Difference::between(actual, expected);
    println!("measured: {model}: {found:?}");
    if !found.is_within(tolerance(model)) {
        for ((text, actual), expected) in texts.iter().zip(actual).zip(expected) {
            println!("{} {text:?}: {actual:?}, expected {expected:?}", largest_difference(actual, expected));
        }
        panic!("{model}: {found:?}");
    }
}

#[test]
fn a_few_texts_may_be_rounded_to_another_byte_but_none_of_them_far_and_not_most() {
    let check = |differences: &[(usize, f32)], expected: bool| {
        let read = vec![Prediction::default(); 44];
        let mut shifted = read.clone();
        let each = differences.iter().flat_map(|(n, by)| std::iter::repeat_n(*by, *n));
        for (prediction, by) in shifted.iter_mut().zip(each) {
            prediction.toxicity += by;
        }
        let found = Difference::between(&shifted, &read);
        assert_eq!(found.is_within(tolerance("deep")), expected, "{differences:?}: {found:?}");
    };
    check(&[(44, 0.0001)], true);
    check(&[(1, 0.02), (2, 0.005), (41, 0.0001)], true);
    check(&[(4, 0.009)], true);
    check(&[(44, 0.004)], false);
    check(&[(44, 0.0011)], false);
    check(&[(22, 0.0015)], false);
    check(&[(5, 0.0015)], false);
    check(&[(4, 0.012)], false);
    check(&[(1, 0.031)], false);
}

#[derive(Deserialize)]
struct Golden {
    text: String,
    ids: Vec<i64>,
    sentiment: [f32; 3],
    emotion: [f32; 7],
    toxicity: f32,
    churn_risk: f32,
}

fn golden(model: &str) -> Vec<Golden> {
    let bytes = fs::read(checkout().join("weights").join(model).join("golden.json")).unwrap();
    serde_json::from_slice(&bytes).unwrap()
}

/// Scores one text at a time, because a network that is quantized to the value range of its batch returns results that
/// depend on the rest of the batch.
#[test]
fn rust_predicts_what_python_predicted() {
    for model in SHIPPED {
        let factory = alone(model);
        let mut scorer = factory.build().unwrap();
        let golden = golden(model);
        assert!(golden.len() >= 30);
        let (mut actual, mut expected) = (Vec::new(), Vec::new());
        for row in &golden {
            assert_eq!(factory.networks[0].encode(&row.text).unwrap().ids, row.ids, "{:?}", row.text);
            actual.extend(scorer.score(&[&row.text]).unwrap());
            expected.push(Prediction {
                sentiment: row.sentiment,
                emotion: row.emotion,
                toxicity: row.toxicity,
                churn_risk: row.churn_risk,
                uncertain: false,
            });
        }
        let texts: Vec<&str> = golden.iter().map(|row| row.text.as_str()).collect();
        assert_close(model, &texts, (&actual, &expected));
    }
}

#[test]
fn every_model_that_is_shipped_is_compared_with_python() {
    let folders = fs::read_dir(checkout().join("weights")).unwrap().map(|entry| entry.unwrap().path());
    let mut networks: Vec<String> = folders
        .filter(|folder| folder.join("manifest.json").is_file())
        .map(|folder| folder.file_name().unwrap().to_str().unwrap().to_owned())
        .collect();
    networks.sort();
    assert_eq!(networks, SHIPPED);
}

#[test]
fn a_prediction_does_not_depend_on_other_texts_of_the_batch() {
    for model in SHIPPED {
        let factory = alone(model);
        let mut scorer = factory.build().unwrap();
        let golden = golden(model);
        let texts: Vec<&str> = golden.iter().map(|row| row.text.as_str()).collect();
        let together = scorer.score(&texts).unwrap();
        let alone: Vec<Prediction> = texts.iter().map(|text| scorer.score(&[text]).unwrap()[0]).collect();
        assert_close(model, &texts, (&alone, &together));

        // In batches of the same shape, the additions are the same too, and nothing may differ.
        let n_ids = |text: &str| factory.networks[0].encode(text).unwrap().ids.len();
        let mut n_compared = 0;
        for (text, other) in texts.iter().zip(texts.iter().rev()) {
            let reversed = other.split_whitespace().rev().collect::<Vec<_>>().join(" ");
            if reversed != *other && n_ids(&reversed) == n_ids(other) {
                let mut beside = |other: &str| scorer.score(&[text, other]).unwrap()[0];
                assert_eq!(beside(other), beside(&reversed), "{model}: {text:?} beside {other:?}");
                n_compared += 1;
            }
        }
        assert!(n_compared >= 10, "{model}: {n_compared}");
    }
}

#[test]
fn praise_complaint_and_cancellation_are_distinguished() {
    let mut scorer = swift().build().unwrap();
    let predictions = scorer
        .score(&[
            "I absolutely love this phone, best purchase ever 😍",
            "Worst service I have ever had, absolutely terrible",
            "Third outage this month. I'm cancelling my subscription and switching to your competitor.",
            "The meeting starts at ten on Tuesday",
        ])
        .unwrap();
    assert!(predictions[0].sentiment[2] > 0.6, "{:?}", predictions[0]);
    assert!(predictions[1].sentiment[0] > 0.6, "{:?}", predictions[1]);
    assert!(predictions[2].churn_risk > 0.7, "{:?}", predictions[2]);
    assert!(predictions[3].churn_risk < 0.3, "{:?}", predictions[3]);
}

#[test]
fn anything_at_all_gets_probabilities() {
    let noise: String =
        (0_u32..5_000).filter_map(|i| char::from_u32(i.wrapping_mul(2_654_435_761) % 0x11_0000)).collect();
    let long = "never again ".repeat(1_000);
    let letters = "a".repeat(10_000);
    let brackets = "()".repeat(5_000);
    let brackets_and_more = "((:".repeat(3_000);
    let texts = [
        "",
        " ",
        "\n\t ",
        "\0",
        "a\0b",
        "😂",
        "😂😂😂😂😂😂😂",
        "👩‍👩‍👧‍👦",
        "\u{200d}\u{fe0f}",
        "مرحبا بالعالم",
        "これは良いです",
        "@",
        "#",
        "@@@@",
        "http",
        "https://",
        "&amp;&amp;",
        "\u{202e}txet desrever",
        "�",
        "e\u{301}\u{301}\u{301}",
        &noise,
        &long,
        &letters,
        &brackets,
        &brackets_and_more,
    ];
    for model in SHIPPED {
        let predictions = predictions(&[model.into()], &texts);
        assert_eq!(predictions.len(), texts.len());
        for (text, prediction) in texts.iter().zip(&predictions) {
            let in_range = numbers_of(prediction).iter().all(|number| (0.0..=1.0).contains(number));
            assert!(in_range, "{model} {text:?}: {prediction:?}");
            let sum = prediction.sentiment.iter().sum::<f32>();
            assert!((sum - 1.0).abs() < 1e-3, "{model} {text:?}: {prediction:?}");
        }
    }
}

#[test]
fn no_label_is_certain_for_a_text_without_content() {
    let noise: Vec<u8> = (0_u32..3_000).map(|i| i.wrapping_mul(2_654_435_761).to_le_bytes()[3]).collect();
    let noise = String::from_utf8_lossy(&noise);
    let marks = "\u{301}\u{302}\u{303}".repeat(20);
    let control = "\u{1}\u{2}\u{1b}[31m\u{7f}".repeat(10);
    let letters = "a".repeat(10_000);
    let texts =
        ["", " \n\t", "\u{200d}\u{fe0f}", "@bob https://t.co/abc", &noise, &marks, &control, &letters];
    for model in SHIPPED {
        for (text, prediction) in texts.iter().zip(predictions(&[model.into()], &texts)) {
            assert!(prediction.uncertain, "{model} {text:?}: {prediction:?}");
        }
        let plain = ["The train leaves at ten", "😂😂😂", "never again ".repeat(830).as_str()]
            .map(|text| predictions(&[model.into()], &[text])[0].uncertain);
        assert_eq!(plain, [false; 3], "{model}");
    }
}

/// Returns texts that no real post contains, but that every model must survive.
fn strange_texts() -> Vec<String> {
    let noise: Vec<u8> = (0_u32..5_000).map(|i| i.wrapping_mul(2_654_435_761).to_le_bytes()[3]).collect();
    let binary = String::from_utf8_lossy(&noise).into_owned();
    vec![
        String::new(),
        "😂😂😂".into(),
        "never again ".repeat(1_000),
        "ñ".repeat(10_000),
        binary,
        "[SEP] </s>".into(),
    ]
}

fn fixture(name: &str) -> PathBuf {
    checkout().join("tests/fixtures/models").join(name)
}

fn tiny_folders() -> [PathBuf; 3] {
    ["tiny-roberta-sentiment", "tiny-distilbert-emotion", "tiny-bert-toxicity"].map(fixture)
}

fn predictions(folders: &[PathBuf], texts: &[&str]) -> Vec<Prediction> {
    CompositeFactory::load(&params(), folders, Tier::Deep).unwrap().build().unwrap().score(texts).unwrap()
}

#[test]
fn each_output_comes_from_the_first_model_that_has_it() {
    let texts = ["I love it", "Never again, I am leaving", "ok"];
    let [roberta, distilbert, bert] = tiny_folders();
    let swift = predictions(&["swift".into()], &texts);
    let sentiment_only = predictions(std::slice::from_ref(&roberta), &texts);
    let all = predictions(&[roberta, distilbert, bert], &texts);
    for ((swift, sentiment_only), all) in swift.iter().zip(&sentiment_only).zip(&all) {
        assert_ne!(sentiment_only.sentiment, swift.sentiment);
        assert_eq!(sentiment_only.emotion, swift.emotion);
        assert_eq!(all.sentiment, sentiment_only.sentiment);
        assert_ne!((all.emotion, all.toxicity), (swift.emotion, swift.toxicity));
        assert_eq!(all.churn_risk, swift.churn_risk, "no other model has that head");
    }
}

#[test]
fn a_composite_names_all_its_parts_and_no_more() {
    let [roberta, ..] = tiny_folders();
    let named = |folders: &[PathBuf]| {
        let factory = CompositeFactory::load(&params(), folders, Tier::Deep).unwrap();
        ModelId::clone(&factory.model())
    };
    let both = named(std::slice::from_ref(&roberta));
    assert_eq!(both.name, "tiny-roberta-sentiment+swift");
    assert_eq!(both.hash.len(), 64);
    let swift = named(&["swift".into(), roberta]);
    assert_eq!(swift.name, "swift", "it has every head");
    assert_eq!(swift.hash, named(&["swift".into()]).hash);
}

#[test]
fn a_model_names_the_languages_it_was_trained_on() {
    let factory = CompositeFactory::load(&params(), &tiny_folders(), Tier::Deep).unwrap();
    let scorer = factory.build().unwrap();
    assert!(scorer.supports_language("en") && !scorer.supports_language("de"));
}

#[test]
fn any_classifier_survives_any_text() {
    let texts = strange_texts();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    for prediction in predictions(&tiny_folders(), &texts) {
        assert!(numbers_of(&prediction).iter().all(|number| (0.0..=1.0).contains(number)), "{prediction:?}");
    }
}

#[test]
fn a_cached_prediction_equals_the_original() {
    let remembering = LoadParams { cache_bytes: 1 << 20, ..params() };
    let factory = CompositeFactory::load(&remembering, &["swift".into()], Tier::Swift).unwrap();
    let texts = ["I love it", "I hate it", "I love it"];
    let (mut first, mut second) = (factory.build().unwrap(), factory.build().unwrap());
    let responses = first.score(&texts).unwrap();
    assert_eq!(second.score(&texts).unwrap(), responses);
    assert_eq!(responses[0], responses[2]);
    assert_close("swift", &texts, (&responses, &swift().build().unwrap().score(&texts).unwrap()));
}

#[test]
fn a_thousand_texts_come_back_in_their_order() {
    let texts: Vec<String> = (0..1_000).map(|i| ["love it ", "hate it "][i % 2].repeat(1 + i % 40)).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let predictions = swift().build().unwrap().score(&texts).unwrap();
    assert_eq!(predictions.len(), 1_000);
    for (i, prediction) in predictions.iter().enumerate() {
        let [negative, _, positive] = prediction.sentiment;
        assert_eq!(positive > negative, i % 2 == 0, "{i}: {prediction:?}");
    }
}

#[test]
fn no_texts_get_no_readings() {
    assert_eq!(swift().build().unwrap().score(&[]).unwrap(), []);
}

#[test]
fn the_lexicon_is_not_used_unless_selected() {
    let loaded = load(&params());
    assert_eq!(loaded.degraded, None, "{INSTALL_RUNTIME}");
    let model = loaded.factory.model();
    assert_eq!(model.name, "swift");
    assert_eq!(model.hash.len(), 64);
}

/// Copies the models' folder, so that a test can damage the copy.
fn copy_of_weights() -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    fs::create_dir(copy.path().join("swift")).unwrap();
    for name in ["model.onnx", "tokenizer.json", "manifest.json"] {
        fs::copy(checkout().join("weights/swift").join(name), copy.path().join("swift").join(name)).unwrap();
    }
    copy
}

fn assert_degraded(params: &LoadParams, reason: &str) {
    let loaded = load(params);
    assert_eq!(loaded.factory.model().name, "lexicon");
    let told = loaded.degraded.unwrap();
    assert!(told.contains(reason), "{told}");
    let predictions = loaded.factory.build().unwrap().score(&["I love it"]).unwrap();
    assert!(predictions[0].sentiment[2] > 0.5);
}

#[test]
fn without_the_runtime_the_lexicon_scores_and_is_reported() {
    let named = PathBuf::from("nowhere/libonnxruntime.so");
    assert_degraded(&LoadParams { runtime_library: Some(named), ..params() }, "nowhere/libonnxruntime.so");
}

#[test]
fn without_the_model_the_lexicon_scores_and_is_reported() {
    let empty = tempfile::tempdir().unwrap();
    assert_degraded(
        &LoadParams { weights_dir: Some(empty.path().to_owned()), ..params() },
        "the model's folder",
    );
}

#[test]
fn a_truncated_model_is_not_loaded() {
    let copy = copy_of_weights();
    damage(&copy.path().join("swift/model.onnx"), |bytes| bytes.truncate(bytes.len() / 2));
    assert_degraded(&LoadParams { weights_dir: Some(copy.path().to_owned()), ..params() }, "model.onnx");
}

#[test]
fn a_truncated_tokenizer_is_not_loaded() {
    let copy = copy_of_weights();
    damage(&copy.path().join("swift/tokenizer.json"), |bytes| bytes.truncate(bytes.len() / 2));
    assert_degraded(&LoadParams { weights_dir: Some(copy.path().to_owned()), ..params() }, "tokenizer.json");
}

#[test]
fn a_manifest_with_swapped_labels_is_refused() {
    let copy = copy_of_weights();
    let folder = copy.path().join("swift");
    fs::copy(checkout().join("weights/swift/golden.json"), folder.join("golden.json")).unwrap();
    let mut manifest: serde_json::Value =
        serde_json::from_slice(&fs::read(folder.join("manifest.json")).unwrap()).unwrap();
    manifest["outputs"]["sentiment"]["labels"] = serde_json::json!(["positive", "neutral", "negative"]);
    fs::write(folder.join("manifest.json"), manifest.to_string()).unwrap();
    assert_degraded(
        &LoadParams { weights_dir: Some(copy.path().to_owned()), ..params() },
        "`sentiment` is far",
    );
}

#[test]
fn the_tokenizer_of_another_model_is_not_loaded() {
    let copy = copy_of_weights();
    damage(&copy.path().join("swift/tokenizer.json"), |bytes| bytes.push(b'\n'));
    assert_degraded(&LoadParams { weights_dir: Some(copy.path().to_owned()), ..params() }, "tokenizer.json");
}

fn damage(path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = fs::read(path).unwrap();
    change(&mut bytes);
    fs::write(path, bytes).unwrap();
}
