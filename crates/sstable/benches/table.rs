//! Speed of the table format: writing, looking up, scanning.

use std::hint::black_box;
use std::sync::Arc;

use bytes::Bytes;
use criterion::Criterion;
use criterion::Throughput;
use criterion::criterion_group;
use criterion::criterion_main;
use lakehold_sstable::FinishedTable;
use lakehold_sstable::Table;
use lakehold_sstable::TableWriter;

/// Records in a range of usual size.
const RECORDS: usize = 50_000;

/// Records of a big page of a listing.
const PAGE: usize = 1_000;

fn key(at: usize) -> String {
    format!("warehouse/sales/year=2026/month={:02}/part-{at:06}.parquet", at * 12 / RECORDS)
}

/// As long as a record of an ordinary object, half of it hashes.
fn value(at: usize) -> Vec<u8> {
    let mut value: Vec<u8> =
        (0..80).map(|byte| (at * 31 + byte * byte * 17 + at / 7) as u8).collect();
    value.extend_from_slice(b"data/g3rsqmo1081g01o00010/d5bjbbo1081g01o00050");
    value.extend_from_slice(b"application/octet-stream");
    value
}

fn records() -> Vec<(String, Vec<u8>)> {
    (0..RECORDS).map(|at| (key(at), value(at))).collect()
}

fn write(records: &[(String, Vec<u8>)]) -> FinishedTable {
    let mut writer = TableWriter::new(&[("type", "ranges")]);
    for (key, value) in records {
        writer.append(key.as_bytes(), value).expect("ascending");
    }
    writer.finish()
}

fn open(bytes: &Bytes) -> Arc<Table> {
    Arc::new(Table::open(bytes.clone()).expect("whole"))
}

fn bench_write(c: &mut Criterion) {
    let records = records();
    let mut group = c.benchmark_group("write");
    group.throughput(Throughput::Elements(RECORDS as u64));
    group.sample_size(10);
    group.bench_function("append 50k records", |b| b.iter(|| write(&records).id));
    group.finish();
}

fn bench_read(c: &mut Criterion) {
    let file = write(&records()).bytes;
    c.bench_function("open 50k records", |b| b.iter(|| open(&file).memory()));

    let table = open(&file);
    table.compute_id().expect("whole");
    let mut at = 0;
    c.bench_function("get of 50k records", |b| {
        b.iter(|| {
            at = (at + 7_919) % RECORDS;
            table.get(black_box(key(at).as_bytes())).expect("whole")
        });
    });
    c.bench_function("key of the get alone", |b| {
        b.iter(|| {
            at = (at + 7_919) % RECORDS;
            black_box(key(at));
        });
    });
    c.bench_function("compute id of 50k records", |b| b.iter(|| table.compute_id()));
}

fn bench_scan(c: &mut Criterion) {
    let table = open(&write(&records()).bytes);
    table.compute_id().expect("whole");
    let mut group = c.benchmark_group("scan");
    group.throughput(Throughput::Elements(PAGE as u64));
    let mut at = 0;
    group.bench_function("seek and 1,000 records", |b| {
        b.iter(|| {
            at = (at + 7_919) % (RECORDS - PAGE);
            let mut cursor = table.cursor();
            cursor.seek(key(at).as_bytes()).expect("whole");
            for _ in 0..PAGE {
                black_box(cursor.next().expect("whole"));
            }
        });
    });
    group.finish();
}

criterion_group!(benches, bench_write, bench_read, bench_scan);
criterion_main!(benches);
