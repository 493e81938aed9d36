//! The tables of `.gristmill/state.db`: those of all rooms, because a file has one version number.

/// Each brings the file from the version of its index to the next. Never change one that was released: add another.
pub(super) const MIGRATIONS: &[&str] = &["
    create table runs (
        id text primary key,
        pipeline text not null,
        started text not null,
        seconds real,
        status text not null,
        summary text not null
    ) strict;
    create index runs_by_time on runs (started);

    create table models (
        name text primary key,
        created text not null
    ) strict, without rowid;
    create table versions (
        name text not null references models,
        version integer not null,
        digest text not null,
        created text not null,
        lineage text not null,
        primary key (name, version),
        unique (name, digest)
    ) strict, without rowid;
    create table aliases (
        name text not null,
        alias text not null,
        version integer not null,
        primary key (name, alias),
        foreign key (name, version) references versions
    ) strict, without rowid;
    create table ledger (
        id integer primary key autoincrement,
        at text not null,
        name text not null,
        alias text not null,
        what text not null,
        version integer not null,
        before integer,
        moved integer not null,
        evidence text,
        actor text not null,
        why text not null,
        foreign key (name, version) references versions
    ) strict;
    create index decisions on ledger (name, alias) where what = 'decide';
    create table serving (
        name text not null references models,
        alias text not null,
        settings text not null,
        at text not null,
        primary key (name, alias)
    ) strict, without rowid;
"];
