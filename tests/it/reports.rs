//! Scheduled reports: sent once by whichever process, with the figures of the API, as HTML and PDF.

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use groundswell::process::chromium::Chromium;
use jiff::{Timestamp, ToSpan, tz::TimeZone};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::support::process::Process;
use crate::support::receivers::{MailServer, fetched};
use crate::support::{Client, PATIENCE, Space, TestApp, eventually, post, until};

const FROM: &str = "--smtp-from=Groundswell <mood@example.org>";

/// What a stranger might call a product.
const HOSTILE: &str = "<script>alert(1)</script>";

/// Start and end of yesterday in UTC, which a daily report covers.
fn yesterday() -> (Timestamp, Timestamp) {
    let today = Timestamp::now().to_zoned(TimeZone::UTC).start_of_day().unwrap();
    (today.checked_sub(1.day()).unwrap().timestamp(), today.timestamp())
}

/// Posts of yesterday and fewer of the day before, spread over the hours.
fn posts() -> Vec<Value> {
    let (from, _) = yesterday();
    let one = |n: i64, days_back: i64| {
        let text = ["I love it", "I hate it", "the battery is hot"][usize::try_from(n % 3).unwrap()];
        let mut post = post(format!("{days_back}-{n}"), text);
        let at =
            from - jiff::SignedDuration::from_hours(24 * days_back) + jiff::SignedDuration::from_mins(n * 10);
        post["created_at"] = json!(at.to_string());
        post["product"] = json!(if n % 4 == 0 { HOSTILE } else { "Nimbrel Buds" });
        post["geo"] = json!({"city": "Oslo", "country": "NO"});
        post["channel"] = json!("support");
        post
    };
    (0..140).map(|n| one(n, 0)).chain((0..70).map(|n| one(n * 2, 1))).collect()
}

async fn channel(client: &Client) -> Value {
    let wish = json!({"name": "team", "kind": "email", "settings": {"to": ["ann@example.org"]}});
    client.post("/api/v1/notification-channels", &wish).await.unwrap().body["id"].clone()
}

fn daily(channel: &Value) -> Value {
    json!({
        "name": "Morning report", "schedule": {"cadence": "daily", "hour": 0, "tz": "UTC"},
        "notification_channel": channel,
    })
}

async fn report(client: &Client, wish: &Value) -> String {
    let answer = client.post("/api/v1/reports", wish).await.unwrap();
    assert_eq!(answer.status, 201, "{}", answer.body);
    answer.body["id"].as_str().unwrap().to_owned()
}

async fn runs(client: &Client, report: &str) -> Vec<Value> {
    client.get(&format!("/api/v1/reports/{report}/runs")).await["items"].as_array().unwrap().clone()
}

async fn sent(client: &Client, report: &str) -> Value {
    eventually("the report is sent", async || {
        runs(client, report).await.into_iter().find(|run| run["state"] == "sent")
    })
    .await
}

/// What Python's own library and pypdf read from a mail.
fn read(mail: &str) -> Value {
    const PROGRAM: &str = "
import email, email.policy, io, json, sys
import pypdf
text = sys.stdin.read()
# The mail server says a few words of its own first.
mail = email.message_from_string(text[text.index('From: '):], policy=email.policy.default)
parts = {part.get_content_type(): part.get_content() for part in mail.walk() if not part.is_multipart()}
pdf = parts.pop('application/pdf', None)
text = None
if pdf:
    pages = pypdf.PdfReader(io.BytesIO(pdf)).pages
    text = ' '.join(' '.join(page.extract_text() for page in pages).split())
print(json.dumps({'id': mail['message-id'], 'subject': mail['subject'], 'pdf': text,
    'plain': parts['text/plain'], 'html': parts['text/html']}))
";
    let mut python = Command::new("python3");
    python.args(["-c", PROGRAM]).env("PYTHONPATH", fetched("pdf"));
    let mut child = python.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), mail.as_bytes()).unwrap();
    serde_json::from_slice(&child.wait_with_output().unwrap().stdout).unwrap()
}

/// A count as reports and the dashboard show it.
fn shown(count: &Value) -> String {
    count.as_i64().unwrap().to_string()
}

#[tokio::test]
async fn a_report_arrives_as_html_and_pdf_with_the_figures_of_the_api() {
    let mut server = MailServer::start().await;
    let smtp = format!("--smtp-url={}", server.url);
    let app = TestApp::start_with(&[&smtp, FROM]).await;
    app.publish(posts()).await;
    app.space.assert_counted_once(210).await;
    let id = report(&app, &daily(&channel(&app).await)).await;
    let asked = app.post(&format!("/api/v1/reports/{id}/send"), &json!({})).await.unwrap();
    assert_eq!((asked.status, &asked.body["state"]), (202, &json!("pending")));
    let mail = read(&server.next().await);
    let run = sent(&app, &id).await;
    assert_eq!(run["id"], asked.body["id"]);
    assert_eq!(mail["id"], format!("<report-{}@example.org>", run["id"].as_str().unwrap()));
    assert!(mail["subject"].as_str().unwrap().starts_with("Morning report: "), "{mail}");
    assert_eq!((&run["html"], &run["pdf"], &run["pdf_error"]), (&json!(true), &json!(true), &Value::Null));

    let (from, to) = yesterday();
    assert_eq!(run["period"], json!({"from": from, "to": to}));
    let before = from - jiff::SignedDuration::from_hours(24);
    let overall = app.get(&format!("/api/metrics/overall?from={from}&to={to}")).await;
    let earlier = app.get(&format!("/api/metrics/overall?from={before}&to={from}")).await;
    assert_eq!((&overall["count"], &earlier["count"]), (&json!(140), &json!(70)));
    let (count, negative) =
        (overall["count"].as_i64().unwrap(), overall["sentiment"]["negative"].as_i64().unwrap());
    let percent = (negative as f64 / count as f64 * 100.0 + 0.5).floor();
    let score = |of: &Value| format!("{:.2}", of["average"].as_f64().unwrap().abs());
    let (plain, pdf) = (mail["plain"].as_str().unwrap(), mail["pdf"].as_str().unwrap());
    let figures = [
        "Posts: 140 (before: 70, change: ×2.0)".to_owned(),
        format!("Negative share: {percent}%"),
        format!("High churn risk: {} post", shown(&overall["churn"]["high"])),
        format!("Average toxicity: {}", score(&overall["toxicity"])),
        score(&overall["sentiment"]),
    ];
    for figure in figures {
        assert!(plain.contains(&figure), "`{figure}` is missing in\n{plain}");
        let in_pdf = figure.split(" (").next().unwrap().replace(": ", " ");
        assert!(pdf.contains(&in_pdf), "`{in_pdf}` is missing in\n{pdf}");
    }
    for breakdown in ["products", "platforms", "channels", "geo"] {
        let parts = app.get(&format!("/api/metrics/{breakdown}?from={from}&to={to}")).await;
        for part in parts["items"].as_array().unwrap() {
            let (key, count) = (part["key"].as_str().unwrap(), shown(&part["count"]));
            assert!(
                plain.contains(&format!("{key}: {count} posts")),
                "{key}: {count} is missing in\n{plain}"
            );
            assert!(pdf.contains(&format!("{key} {count} ")), "{key} {count} is missing in\n{pdf}");
        }
    }
    let html = mail["html"].as_str().unwrap();
    assert!(!html.contains("<script") && html.contains("&lt;script&gt;"), "{html}");

    let path = format!("/api/v1/report-runs/{}", run["id"].as_str().unwrap());
    assert!(app.text(&format!("{path}.html")).await.contains("<svg"));
    assert!(app.bytes(&format!("{path}.pdf")).await.starts_with(b"%PDF-"));
}

#[tokio::test]
async fn processes_share_the_schedule_and_what_was_missed_is_sent_once() {
    let mut server = MailServer::start().await;
    let smtp = format!("--smtp-url={}", server.url);
    let space = Space::new().await;
    // Without Chromium, the report says so.
    let options = [smtp.as_str(), FROM, "--chromium=none"];
    let mut one = TestApp::start_on(&space, &options).await;
    let other = TestApp::start_on(&space, &options).await;
    one.leaves_others = true;
    let team = channel(&one).await;
    let id = report(&one, &daily(&team)).await;
    let sql = space.sql().await;
    sql.execute("UPDATE reports SET next_at = now() - interval '9 days'", &[]).await.unwrap();
    let mail = read(&server.next().await);
    assert_eq!(mail["pdf"], Value::Null);
    assert!(mail["plain"].as_str().unwrap().contains("No PDF is attached: "), "{mail}");
    let run = sent(&other, &id).await;
    let (_, today) = yesterday();
    assert_eq!((&run["due_at"], &run["attempts"], &run["pdf"]), (&json!(today), &json!(1), &json!(false)));
    // A report that becomes due later has been sent: so would be the missed one, if it were to be sent again.
    let mut later = daily(&team);
    later["name"] = json!("Evening report");
    let marker = report(&other, &later).await;
    let due = "UPDATE reports SET next_at = now() - interval '1 second' WHERE id = $1::text::uuid";
    sql.execute(due, &[&marker]).await.unwrap();
    let mail = read(&server.next().await);
    let marked = sent(&one, &marker).await;
    assert_eq!(mail["id"], format!("<report-{}@example.org>", marked["id"].as_str().unwrap()));
    assert_eq!(runs(&one, &id).await.len(), 1, "it was sent again");
    let next: Timestamp =
        one.get(&format!("/api/v1/reports/{id}")).await["next_at"].as_str().unwrap().parse().unwrap();
    assert_eq!(next, today + jiff::SignedDuration::from_hours(24));
}

#[tokio::test]
async fn a_report_whose_process_was_killed_before_sending_is_sent_unchanged_by_the_next() {
    let space = Space::new().await;
    // Accepts connections and never says a word.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let smtp = format!("--smtp-url=smtp://{}", silent.local_addr().unwrap());
    let mut first = Process::start_on(&space, &[&smtp, FROM]);
    let client = Client::new(first.ready().await);
    client.publish(posts()).await;
    space.assert_counted_once(210).await;
    let id = report(&client, &daily(&channel(&client).await)).await;
    let asked = client.post(&format!("/api/v1/reports/{id}/send"), &json!({})).await.unwrap();
    let run = asked.body["id"].as_str().unwrap().to_owned();
    let _held = silent.accept().await.unwrap();
    let path = format!("/api/v1/report-runs/{run}.html");
    let created = client.text(&path).await;
    first.kill().await;

    let mut server = MailServer::start().await;
    let smtp = format!("--smtp-url={}", server.url);
    let mut second = Process::start_on(&space, &[&smtp, FROM]);
    let client = Client::new(second.ready().await);
    // Posts that arrive late change the figures, but not a report that has been created.
    let (from, _) = yesterday();
    let mut late = post("late", "I hate it");
    late["created_at"] = json!(from);
    client.publish(vec![late]).await;
    let mail = read(&server.next().await);
    assert_eq!(mail["id"], format!("<report-{run}@example.org>"));
    assert!(mail["plain"].as_str().unwrap().contains("Posts: 140 (before: 70"), "{mail}");
    assert!(mail["pdf"].as_str().unwrap().contains("Posts 140 70"), "{mail}");
    assert_eq!(sent(&client, &id).await["attempts"], 1);
    assert_eq!(client.text(&path).await, created);
    second.kill().await;
}

#[tokio::test]
async fn a_preview_shows_a_draft_and_an_invalid_report_is_refused() {
    let app = TestApp::start().await;
    app.publish(posts()).await;
    app.space.assert_counted_once(210).await;
    let draft = json!({
        "name": HOSTILE, "schedule": {"cadence": "daily", "hour": 0, "tz": "UTC"}, "filter": {"product": HOSTILE},
    });
    let preview = reqwest::Client::new().post(format!("http://{}/api/v1/reports/preview", app.address));
    let preview = preview.json(&draft).send().await.unwrap();
    let policy = preview.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.contains("default-src 'none'") && policy.contains("sandbox"), "{policy}");
    let html = preview.text().await.unwrap();
    assert!(!html.contains("<script") && html.contains("<b>35</b>") && !html.contains("Products"), "{html}");

    let channel = channel(&app).await;
    let refused = async |change: fn(&mut Value), code: &str, field: &str| {
        let mut wish = daily(&channel);
        change(&mut wish);
        let answer = app.post("/api/v1/reports", &wish).await.unwrap();
        let error = &answer.body["error"];
        assert_eq!(
            (answer.status, &error["code"], &error["details"]["field"]),
            (422, &json!(code), &json!(field))
        );
    };
    refused(|wish| wish["name"] = json!(" "), "invalid_field", "name").await;
    refused(|wish| wish["schedule"]["tz"] = json!("Mars/Olympus"), "invalid_field", "schedule.tz").await;
    refused(|wish| wish["schedule"]["hour"] = json!(24), "invalid_field", "schedule.hour").await;
    refused(|wish| wish["filter"] = json!({"mood": "x"}), "invalid_field", "filter.mood").await;
    let unknown =
        |wish: &mut Value| wish["notification_channel"] = json!("01930000-0000-7000-8000-000000000009");
    refused(unknown, "unknown_channel", "channels").await;
    let page = json!({"name": "hook", "kind": "webhook", "settings": {"url": "https://example.org/"}});
    let hook = app.post("/api/v1/notification-channels", &page).await.unwrap().body["id"].clone();
    let mut wish = daily(&hook);
    let answer = app.post("/api/v1/reports", &wish).await.unwrap();
    assert_eq!(answer.body["error"]["details"]["field"], "notification_channel");

    wish["notification_channel"] = channel.clone();
    let id = report(&app, &wish).await;
    let path = format!("/api/v1/notification-channels/{}", channel.as_str().unwrap());
    assert_eq!(app.delete(&path).await, 409);
    // Without a mail server the attempt fails, and says how to mend it.
    let send = format!("/api/v1/reports/{id}/send");
    assert_eq!(app.post(&send, &json!({})).await.unwrap().status, 202);
    assert_eq!(app.post(&send, &json!({})).await.unwrap().body["error"]["code"], "report_pending");
    until("the attempt is noted", async || {
        runs(&app, &id).await[0]["error"].as_str().is_some_and(|error| error.contains("GROUNDSWELL_SMTP_URL"))
    })
    .await;
    assert_eq!(app.delete(&format!("/api/v1/reports/{id}")).await, 204);
    assert_eq!(app.try_get(&format!("/api/v1/reports/{id}/runs")).await.unwrap().status, 404);
    assert_eq!(app.delete(&path).await, 204);
}

/// Chromium behind a script that records the home folder of each run, which tells its processes from those of other
/// tests, and starts a child that would outlive it.
struct RecordedChromium {
    chromium: Chromium,
    records: tempfile::TempDir,
}

impl RecordedChromium {
    fn create() -> Self {
        let records = tempfile::tempdir().unwrap();
        let real = Chromium::find(None).unwrap().program().to_owned();
        let script = records.path().join("chromium");
        let body = "#!/bin/sh\necho \"$HOME\" >>\"$(dirname \"$0\")/folders\"\nsleep 600 &\nexec";
        std::fs::write(&script, format!("{body} {} \"$@\"\n", real.display())).unwrap();
        std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
        Self { chromium: Chromium::find(Some(&script)).unwrap(), records }
    }

    fn folders(&self) -> Vec<String> {
        let recorded = std::fs::read_to_string(self.records.path().join("folders")).unwrap_or_default();
        recorded.lines().map(str::to_owned).collect()
    }

    /// Processes whose command line or environment names the home folder of a run: Chromium's own and their children.
    fn processes(&self) -> Vec<PathBuf> {
        let folders = self.folders();
        let processes = std::fs::read_dir("/proc").unwrap().flatten().map(|entry| entry.path());
        let is_own = |process: &PathBuf| {
            let said =
                ["cmdline", "environ"].map(|file| std::fs::read(process.join(file)).unwrap_or_default());
            let said = String::from_utf8_lossy(&said.concat()).into_owned();
            folders.iter().any(|folder| said.contains(folder))
        };
        processes.filter(is_own).collect()
    }
}

#[tokio::test]
async fn chromium_reaches_nothing_and_leaves_nothing_behind() {
    let site = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = site.local_addr().unwrap();
    let recorded = RecordedChromium::create();
    let chromium = &recorded.chromium;
    let page = format!(
        "<link rel=\"stylesheet\" href=\"http://{address}/a\"><p>Printed</p><img src=\"http://{address}/b\">\
         <img src=\"http://localhost:{}/c\"><iframe src=\"http://{address}/d\"></iframe>",
        address.port()
    );
    let pdf = chromium.print(&page).await.unwrap();
    assert!(pdf.starts_with(b"%PDF-"));
    assert!(tokio::time::timeout(Duration::from_millis(100), site.accept()).await.is_err());
    assert_eq!(recorded.folders().len(), 1);
    until("it has ended", async || recorded.processes().is_empty()).await;
    // Dropped while it prints, as when its stage dies.
    let dropped = async {
        loop {
            tokio::select! {
                () = until("it prints", async || !recorded.processes().is_empty()) => return,
                // On a busy machine, it may have printed before it was looked at.
                printed = chromium.print(&page) => drop(printed.unwrap()),
            }
        }
    };
    tokio::time::timeout(PATIENCE, dropped).await.expect("it is never seen to print");
    until("its processes are gone", async || recorded.processes().is_empty()).await;
}
