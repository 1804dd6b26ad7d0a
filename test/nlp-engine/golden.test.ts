import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { analyseText } from '../../src/nlp-engine/analyse-text.js'
import type { Analysis } from '../../src/nlp-engine/analysis.js'
import { labelledLines, qualityTable } from './support/measure-quality.js'

const golden = JSON.parse(
  readFileSync(new URL('golden/loghub-200.json', import.meta.url), 'utf8'),
) as (Analysis & {
  text: string
})[]

describe('the golden answers', () => {
  it('are what the engine says of 200 lines of Loghub', () => {
    assert.equal(golden.length, 200)
    for (const { text, entities, severity } of golden) {
      assert.deepEqual({ text, ...analyseText(text) }, { text, entities, severity })
    }
  })
})

describe('the labelled sample', () => {
  it('has 100 lines whose labels lie in their text, sorted and without overlaps', () => {
    assert.equal(labelledLines.length, 100)
    for (const { text, entities } of labelledLines) {
      let position = 0
      for (const { start, end, text: labelled } of entities) {
        assert.equal(text.slice(start, end), labelled)
        assert.ok(start >= position && end > start, `${labelled} in ${text}`)
        position = end
      }
    }
  })

  it('gives the precision and recall that docs/nlp-engine.md reports', () => {
    const docs = readFileSync(new URL('../../docs/nlp-engine.md', import.meta.url), 'utf8')
    assert.ok(docs.includes(qualityTable()), `docs/nlp-engine.md should contain:\n\n${qualityTable()}`)
  })
})
