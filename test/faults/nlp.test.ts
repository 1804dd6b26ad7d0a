import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { sharedStack } from '../support/stack.js'
import { inFlight, Lab, longForm, objections, summary } from './support/lab.js'
import { nlpOutages as outages } from './support/nlp-outages.js'
import {
  measurableRate,
  mostPerSecond,
  outageMs,
  shortMs,
  surviveOutages,
  type Outage,
} from './support/outages.js'

const stack = sharedStack()

describe('an NLP service that fails', () => {
  const chosen = outages.filter(({ short }) => short)
  it(
    `for a while, in ${chosen.length} ways after one another, loses nothing, makes no dead letter, and is back at full speed within 2 s`,
    { skip: stack.skip || (longForm && 'in the long form each by itself') },
    async (t) => {
      const lab = await Lab.open(t, { servers: stack })
      await surviveOutages(lab, chosen, { forMs: outageMs(shortMs) })
    },
  )

  for (const outage of outages) {
    it(
      `${outage.name}: loses nothing, makes no dead letter, and is back at full speed within 2 s`,
      { skip: stack.skip || (!longForm && 'only in `npm run test:faults`') },
      async (t) => {
        const lab = await Lab.open(t, { servers: stack })
        await surviveOutages(lab, [outage], { forMs: outageMs(shortMs) })
      },
    )
  }

  it(
    'whose name cannot be resolved for a while: loses nothing, makes no dead letter, and is back at full speed within 2 s',
    { skip: stack.skip },
    async (t) => {
      const directory = await mkdtemp(join(tmpdir(), 'enrichd-dns-'))
      t.after(() => rm(directory, { recursive: true }))
      const file = join(directory, 'dns-fails')
      const nlpHost = 'nlp.test'
      const lab = await Lab.open(t, {
        servers: stack,
        nlpHost,
        preload: new URL('support/failing-dns.ts', import.meta.url).href,
        env: { DNS_NAME: nlpHost, DNS_FAILS_WHILE: file },
        settings: { 'log.level': 'debug' },
      })
      const outage: Outage = {
        name: 'DNS',
        begin: async () => {
          await writeFile(file, '')
          lab.nlpProxy.cut()
        },
        end: () => rm(file),
        repeatedCalls: inFlight + 2,
      }
      await surviveOutages(lab, [outage], { forMs: outageMs(shortMs) })
      // The calls that were cut may be what it first goes down for.
      const told = lab.daemons[0]?.lines.some((line) => JSON.stringify(line).includes('EAI_AGAIN'))
      assert.ok(told)
    },
  )

  it(
    '500 to one text in a hundred for ever: those become dead letters, the others flow at full speed',
    { skip: stack.skip },
    async (t) => {
      let failing = false
      const lab = await Lab.open(t, {
        servers: stack,
        load: { text: (n) => `disk ${n + 1000} is full` },
        nlp: { script: ([text]) => (failing && isBad(text) ? { status: 500 } : undefined) },
        settings: { 'nlp.retry.delayMs': 100 },
      })
      const meter = lab.meter(lab.start())
      lab.feed()
      await lab.checker.indexed(200)
      // At the start it catches up, and more is written than calls are made.
      const fullRate = Math.min(await meter.measure(3000), mostPerSecond)
      failing = true
      const rate = await meter.measure(longForm ? 30_000 : 5000)
      const report = await lab.drained()
      // Those that were asked about before.
      const good = new Set(lab.nlp.answered)
      const bad = lab.checker.records.filter(({ text }) => isBad(text) && !good.has(text)).length
      lab.keep({ ...summary(report), fullRate, rate })
      assert.ok(report.deadLettered > 10)
      assert.deepEqual(objections(report, { deadLettered: bad, repeatedCalls: 3 * bad }), [])
      assert.ok(rate > 0.9 * fullRate || fullRate < measurableRate, `${rate} of ${fullRate} records/s`)
    },
  )
})

const isBad = (text: string | undefined): boolean => text?.endsWith('00 is full') === true
