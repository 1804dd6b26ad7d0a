import assert from 'node:assert/strict'
import { setTimeout as pause } from 'node:timers/promises'
import { describe, it } from 'node:test'
import { memoryMiB } from '../support/process-memory.js'
import { sharedStack } from '../support/stack.js'
import { Lab, longForm } from './support/lab.js'
import { outageMs } from './support/outages.js'

const stack = sharedStack()
const mebibyte = 1_048_576
const baseMiB = 120
const backlog = Number(process.env['FAULTS_BACKLOG'] ?? 1_000_000)
/** About what a log line takes. */
const padding = 'x'.repeat(400)

describe('memory', () => {
  for (const maxBufferedMiB of [64, 8]) {
    it(
      `stays within ${baseMiB} MiB and three times pipeline.maxBufferedBytes of ${maxBufferedMiB} MiB while Elasticsearch is black-holed before a large backlog`,
      { skip: stack.skip || (!longForm && 'only in `npm run test:faults`') },
      async (t) => {
        const lab = await Lab.open(t, {
          servers: stack,
          load: { count: 0, value: (n, text) => JSON.stringify({ n, message: text, padding }) },
          sampleMs: 60_000,
          nlp: { settings: { latencyMs: 1 } },
          settings: { 'pipeline.maxBufferedBytes': maxBufferedMiB * mebibyte },
        })
        for (let count = 0; count < backlog; count += 10_000)
          await lab.checker.produce(Math.min(10_000, backlog - count))
        const daemon = lab.start()
        await lab.checker.indexed(1000)
        await lab.esProxy.set({ kind: 'black-hole' })
        const peakMiB = await peakFor(daemon.pid, outageMs(4000))
        await lab.esProxy.set({ kind: 'pass' })
        const afterMiB = await lowestFor(daemon.pid, 20_000)
        lab.keep({ maxBufferedMiB, backlog, peakMiB: Math.round(peakMiB), afterMiB: Math.round(afterMiB) })
        assert.ok(daemon.running, daemon.tail())
        const mostMiB = baseMiB + 3 * maxBufferedMiB
        assert.ok(peakMiB <= mostMiB, `${peakMiB} MiB, not ${mostMiB} at most`)
        assert.ok(afterMiB <= peakMiB, `${afterMiB} MiB after it, ${peakMiB} at its peak`)
      },
    )
  }
})

async function peakFor(pid: number, forMs: number): Promise<number> {
  return Math.max(...(await watch(pid, forMs)))
}

async function lowestFor(pid: number, forMs: number): Promise<number> {
  return Math.min(...(await watch(pid, forMs)))
}

async function watch(pid: number, forMs: number): Promise<number[]> {
  const seen = [memoryMiB(pid, 'VmRSS')]
  for (const end = performance.now() + forMs; performance.now() < end;) {
    await pause(100)
    seen.push(memoryMiB(pid, 'VmRSS'))
  }
  return seen
}
