//! Stored bodies out: one thread marks what is claimed and what is done, as much as waits in one commit.

use crate::{Outcome, Partner, Stopwatch, db::now};
use rusqlite::{Connection, TransactionBehavior::Immediate, params};
use serde_json::Value;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use tokio::sync::{Mutex, mpsc};

struct Job {
    id: i64,
    key: String,
    body: String,
}

type Done = (i64, u16);

pub async fn run(partner: Partner, mut db: Connection, body: &Path, count: u64, concurrency: usize) -> Outcome<Value> {
    fill(&mut db, &std::fs::read_to_string(body)?, count)?;
    let watch = Stopwatch::start();
    let (outcomes, ended) = channel::<Done>();
    let (jobs, waiting) = mpsc::channel::<Job>(concurrency);
    let waiting = Arc::new(Mutex::new(waiting));
    let senders: Vec<_> = (0..concurrency)
        .map(|_| tokio::spawn(send(partner.clone(), Arc::clone(&waiting), outcomes.clone())))
        .collect();
    drop(outcomes);
    let books = tokio::task::spawn_blocking(move || keep_books(&mut db, &jobs, &ended, count, concurrency));
    books.await??;
    for sender in senders {
        sender.await??;
    }
    Ok(watch.stop("ceiling-drain", count))
}

fn fill(db: &mut Connection, body: &str, count: u64) -> Outcome<()> {
    let tx = db.transaction()?;
    for i in 0..count {
        tx.prepare_cached("INSERT INTO outbox(idem,op,body,state,next_at) VALUES(?,'confirm',?,'PENDING',0)")?
            .execute(params![format!("key-{}-{i}", now()), body])?;
    }
    Ok(tx.commit()?)
}

async fn send(partner: Partner, waiting: Arc<Mutex<mpsc::Receiver<Job>>>, outcomes: Sender<Done>) -> Outcome<()> {
    loop {
        let job = waiting.lock().await.recv().await;
        let Some(Job { id, key, body }) = job else {
            return Ok(());
        };
        outcomes.send((id, partner.operate(&key, body).await?))?;
    }
}

fn keep_books(
    db: &mut Connection,
    jobs: &mpsc::Sender<Job>,
    ended: &Receiver<Done>,
    count: u64,
    concurrency: usize,
) -> Outcome<()> {
    let (mut done, mut in_flight) = (0, 0);
    while done < count {
        // Waits only while there is nothing else to do.
        let mut outcomes: Vec<Done> = Vec::new();
        if in_flight == concurrency || done + in_flight as u64 >= count {
            outcomes.push(ended.recv()?);
        }
        outcomes.extend(ended.try_iter());
        let claimed = commit(db, &outcomes, concurrency - (in_flight - outcomes.len()))?;
        done += outcomes.len() as u64;
        in_flight = in_flight - outcomes.len() + claimed.len();
        for job in claimed {
            jobs.blocking_send(job)?;
        }
    }
    Ok(())
}

fn commit(db: &mut Connection, outcomes: &[Done], places: usize) -> Outcome<Vec<Job>> {
    let tx = db.transaction_with_behavior(Immediate)?;
    let at = now();
    for (id, status) in outcomes {
        if *status != 200 {
            return Err(format!("the stub answered {status}").into());
        }
        tx.prepare_cached("UPDATE outbox SET state='SENT', sent_at=?, lease_until=NULL WHERE id=? AND state='LEASED'")?
            .execute(params![at, id])?;
        tx.prepare_cached("INSERT INTO send_log(outbox_id,at,http) VALUES(?,?,?)")?
            .execute(params![id, at, status])?;
    }
    let claimed = {
        let mut claim = tx.prepare_cached(
            "UPDATE outbox SET state='LEASED', lease_until=?1, attempts=attempts+1 WHERE id IN
             (SELECT id FROM outbox WHERE state='PENDING' AND next_at<=?2 ORDER BY next_at, id LIMIT ?3)
             RETURNING id, idem, body",
        )?;
        let rows = claim.query_map(params![at + 30_000, at, places as i64], |r| {
            Ok(Job {
                id: r.get(0)?,
                key: r.get(1)?,
                body: r.get(2)?,
            })
        })?;
        rows.collect::<Result<_, _>>()?
    };
    tx.commit()?;
    Ok(claimed)
}
