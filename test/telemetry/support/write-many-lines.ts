import { LineWriter } from '../../../src/telemetry/line-writer.js'

/** Writes lines to stdout while it watches how long the event loop is held up; says on stderr how it went. */
const count = Number(process.argv[2])
const output = new LineWriter(1)
let longestMs = 0
let lastMs = performance.now()
const watch = setInterval(() => {
  longestMs = Math.max(longestMs, performance.now() - lastMs)
  lastMs = performance.now()
}, 1)

for (let at = 0; at < count; at++) {
  output.write(`line ${at} ${'x'.repeat(100)}\n`)
  if (at % 100 === 0) await new Promise((resolve) => setImmediate(resolve))
}
await output.flush(300)
clearInterval(watch)
process.stderr.write(`${JSON.stringify({ longestMs: Math.round(longestMs), lost: output.lost })}\n`)
process.exit(0)
