/**
 * Draws lines from Loghub, seeded, so that anybody gets the same ones: at most `perTemplate` lines of one shape (digits
 * and hex runs taken out), evenly over the systems.
 *
 *     node --import tsx test/nlp-engine/support/draw-lines.ts SEED TOTAL PER_TEMPLATE [NOT_THESE.json…]
 *
 * writes the lines as a JSON array to stdout. Loghub itself is not part of the project (see golden/LICENSE).
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const folder = process.env['LOGHUB'] ?? '/work/shared/data/loghub'
const [seed = '1', total = '60', perTemplate = '1', ...excludedFiles] = process.argv.slice(2)

const excluded = new Set(
  excludedFiles.flatMap((file) =>
    (JSON.parse(readFileSync(file, 'utf8')) as { text: string }[]).map((it) => it.text),
  ),
)

/** mulberry32: small, seeded, good enough to draw with. */
function seeded(seedNumber: number): () => number {
  let state = seedNumber
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}

function shuffled(lines: readonly string[], random: () => number): string[] {
  const copy = [...lines]
  for (let i = copy.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1))
    ;[copy[i], copy[j]] = [copy[j]!, copy[i]!]
  }
  return copy
}

const templateOf = (line: string): string => line.replace(/[0-9a-f-]*\d[0-9a-f-]*/gi, '#').slice(0, 400)

const files = readdirSync(folder)
  .filter((name) => name.endsWith('.log'))
  .sort()
const perSystem = Math.ceil(Number(total) / files.length)
const drawn: string[] = []
for (const file of files) {
  const lines = readFileSync(join(folder, file), 'utf8')
    .split(/\r?\n/)
    .filter((line) => line !== '')
  const taken = new Map<string, number>()
  let count = 0
  for (const line of shuffled(lines, seeded(Number(seed)))) {
    const template = templateOf(line)
    const times = taken.get(template) ?? 0
    if (count >= perSystem || times >= Number(perTemplate) || excluded.has(line)) continue
    taken.set(template, times + 1)
    drawn.push(line)
    count++
  }
}
process.stdout.write(`${JSON.stringify(drawn.slice(0, Number(total)), null, 1)}\n`)
