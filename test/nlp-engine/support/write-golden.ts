/**
 * Writes the engine's answers on the drawn lines (stdin, a JSON array of lines) to golden/loghub-200.json. Whoever runs it
 * reads the difference before committing it:
 *
 *     node --import tsx test/nlp-engine/support/draw-lines.ts 2026 200 2 test/nlp-engine/golden/labelled.json |
 *       node --import tsx test/nlp-engine/support/write-golden.ts
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { analyseText } from '../../../src/nlp-engine/analyse-text.js'

const lines = JSON.parse(readFileSync(0, 'utf8')) as string[]
const answers = lines.map((text) => JSON.stringify({ text, ...analyseText(text) }))
writeFileSync(new URL('../golden/loghub-200.json', import.meta.url), `[\n${answers.join(',\n')}\n]\n`)
