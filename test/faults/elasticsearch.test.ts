import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { sharedStack } from '../support/stack.js'
import { elasticsearchOutages as outages } from './support/elasticsearch-outages.js'
import { Lab, longForm, objections, summary } from './support/lab.js'
import { outageMs, shortMs, surviveOutages } from './support/outages.js'

const stack = sharedStack()

describe('an Elasticsearch that fails', () => {
  const chosen = outages.filter(({ short }) => short)
  it(
    `for a while, in ${chosen.length} ways after one another, loses nothing, repeats no NLP call, and is back at full speed within 2 s`,
    { skip: stack.skip || (longForm && 'in the long form each by itself') },
    async (t) => {
      const lab = await Lab.open(t, { servers: stack })
      await surviveOutages(lab, chosen, { forMs: outageMs(shortMs) })
    },
  )

  for (const outage of outages) {
    it(
      `${outage.name}: loses nothing, repeats no NLP call, and is back at full speed within 2 s`,
      { skip: stack.skip || (!longForm && 'only in `npm run test:faults`') },
      async (t) => {
        const lab = await Lab.open(t, { servers: stack })
        await surviveOutages(lab, [outage], { forMs: outageMs(shortMs) })
      },
    )
  }

  it('that takes only small bulks (413) gets smaller ones', { skip: stack.skip }, async (t) => {
    const lab = await Lab.open(t, {
      servers: stack,
      load: { count: 600 },
      nlp: { settings: { latencyMs: 5 } },
    })
    lab.esAnswers.script(({ path, body }) =>
      path.startsWith('/_bulk') && body.length > 2000 ? { status: 413, body: 'too large' } : undefined,
    )
    lab.start()
    const report = await lab.drained()
    lab.keep(summary(report))
    assert.deepEqual(objections(report), [])
  })

  it(
    'that refuses single documents for their mapping gets the others, and those become dead letters with the reason',
    { skip: stack.skip },
    async (t) => {
      const value = (n: number, message: string) =>
        JSON.stringify({ message, status: n % 100 === 99 ? { code: n } : n })
      const lab = await Lab.open(t, {
        servers: stack,
        load: { count: 600, value },
        nlp: { settings: { latencyMs: 5 } },
      })
      await lab.es.createIndex(lab.checker.index, { mappings: { properties: { status: { type: 'long' } } } })
      lab.start()
      const report = await lab.drained()
      lab.keep(summary(report))
      assert.deepEqual(objections(report, { deadLettered: 6 }), [])
      const letters = await lab.kafka.consumeAll(lab.checker.deadLetterTopic)
      assert.deepEqual(
        new Set(letters.map(({ headers: h }) => String(h?.['enrichd-reason']))),
        new Set(['document-rejected']),
      )
    },
  )

  it(
    'whose index is deleted meanwhile gets what comes afterwards, and what was committed before is gone with it',
    { skip: stack.skip },
    async (t) => {
      const lab = await Lab.open(t, { servers: stack, load: { count: 1000 } })
      lab.start()
      await lab.checker.indexed(300)
      await lab.checker.stopSampling()
      await lab.es.deleteIndex(lab.checker.index)
      await lab.committed()
      const indexed = await lab.es.count(lab.checker.index)
      assert.ok(indexed > 100 && indexed <= 750, `${indexed} documents`)
      assert.equal(lab.repeatedCalls, 0)
      assert.deepEqual(await lab.kafka.endOffsets(lab.checker.deadLetterTopic), [0])
    },
  )
})
