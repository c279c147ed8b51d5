//! Tests of the store through its traits; some look at the file with a connection of their own.

mod archive;
mod audit;
mod care;
mod crash;
#[cfg(unix)]
mod disk;
mod drafts;
mod fixtures;
mod groups;
mod history;
mod hosted;
mod lists;
mod live;
mod opening;
mod quarantine;
mod queue;
mod search;
mod settled;
mod story;
mod unpack;
