import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { sharedStack } from '../support/stack.js'
import { TestBed } from '../support/test-bed.js'
import { until } from '../support/until.js'

const stack = sharedStack()

describe('of several topics', () => {
  let bed: TestBed

  before(() => {
    bed = new TestBed(stack)
  })
  after(() => bed.close())

  it(
    'one that is deleted is told as missing while the others are read, and read from its beginning once it is made again',
    { skip: stack.skip },
    async (t) => {
      const nlp = await bed.nlp(t)
      const line = await bed.line(t)
      const other = await bed.line(t)
      const texts = (name: string) => Array.from({ length: 20 }, (_, n) => ({ value: `${name} ${n}` }))
      const indexed = (count: number, topic: string) =>
        until(
          `${count} of ${topic} are indexed`,
          async () => (await bed.es.count(line.index)) >= count,
          30_000,
        )
      await bed.kafka.produce(line.topic, texts('first life'))
      await bed.kafka.produce(other.topic, texts('other'))
      const daemon = bed.start(t, { ...line.settings(nlp), 'kafka.topics': `${line.topic},${other.topic}` })
      await indexed(40, 'both')
      await bed.kafka.deleteTopic(line.topic)
      await until('it is told as missing', () =>
        daemon.lines.some(
          ({ level, msg }) => level === 'error' && String(msg).includes(`no topic ${line.topic}`),
        ),
      )
      await bed.kafka.produce(other.topic, texts('more of the other'))
      await indexed(60, 'the other')
      await bed.kafka.createTopic({ topic: line.topic })
      await bed.kafka.produce(line.topic, texts('second life'))
      await indexed(80, 'both')
      assert.equal((await daemon.stop()).code, 0, daemon.tail())
      assert.equal(new Set(nlp.answered).size, 80)
      // That it is another topic may be noticed only when it has been read already: then it is read once more.
      const released = daemon.lines.find(({ event }) => event === 'daemon.stopped')?.['released']
      assert.ok(nlp.answered.length <= 80 + Number(released), `${nlp.answered.length} texts answered`)
      assert.equal(await bed.es.count(line.index), 80)
    },
  )
})
