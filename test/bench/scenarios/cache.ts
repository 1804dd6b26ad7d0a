import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { loghubNames, loghubPath } from '../../support/loghub.js'
import type { Bench, Scenario } from '../support/bench.js'
import { daemon } from '../support/subjects.js'
import { untilWritten } from '../support/until-written.js'

/** How many calls the cache saves on real logs, whole lines being the texts. `LOGHUB` names their folder. */
export const cache: Scenario = {
  title: 'Coalescing and cache: calls saved on logs of loghub, nlp.cache.maxEntries 10000',
  async run(bench) {
    const runs = []
    for (const name of loghubNames) runs.push(await measureLog(bench, name))
    const rows = runs.map(({ name, records, texts, calls }) => ({
      name,
      figures: { records, 'different texts': texts, calls, 'saved %': (1 - calls / records) * 100 },
    }))
    const checks = runs.map(({ name, texts, calls }) => ({
      what: `calls by different texts, ${name}`,
      value: calls / texts,
      atMost: 1,
    }))
    return { rows, checks, runs }
  },
}

async function measureLog(bench: Bench, name: string) {
  const log = readFileSync(join(loghubPath, `${name}.log`), 'utf8')
  const lines = log.split(/\r?\n/).filter((line) => line !== '')
  const topic = await bench.stack.emptyTopic(4)
  const messages = lines.map((value, at) => ({ key: null, value, partition: at % 4 }))
  await bench.stack.kafka.produce(topic, messages)
  const index = await bench.stack.newIndex()
  await bench.nlp.behave({ latencyMs: 5 })
  const settings = { 'nlp.maxConcurrency': 64, 'nlp.cache.maxEntries': 10_000 }
  const process = daemon('enrichd', settings).start(bench, { topic, index })
  try {
    await untilWritten(bench, index, lines.length)
    const { answered: calls } = await bench.nlp.stats()
    const run = { name, records: lines.length, texts: await differentTexts(bench, index, lines), calls }
    bench.tell(JSON.stringify(run))
    return run
  } finally {
    await process.stop()
    await bench.stack.deleteIndex(index)
  }
}

/** The texts are the `message` of each document, which may be less than the line. */
async function differentTexts(bench: Bench, index: string, lines: readonly string[]): Promise<number> {
  await bench.stack.count(index)
  const query = JSON.stringify({ size: lines.length, _source: ['message'] })
  const answer = await fetch(`${bench.stack.elasticsearch}/${index}/_search`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: query,
  })
  const found = (await answer.json()) as { hits: { hits: { _source: { message: string } }[] } }
  return new Set(found.hits.hits.map(({ _source }) => _source.message)).size
}
