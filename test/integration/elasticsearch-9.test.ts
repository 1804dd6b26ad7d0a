import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { runCommand } from '../commands/support/run-command.js'
import { cannotStartStack, sharedStack, startStack, type OwnStack } from '../support/stack.js'
import { assertExact, TestBed } from '../support/test-bed.js'

const shared = sharedStack()
const skip = shared.skip || cannotStartStack({ elasticsearch: '9' })

describe('an Elasticsearch of version 9', () => {
  let own: OwnStack
  before(async () => {
    if (skip === false) own = await startStack({ name: 'es9-daemon', only: 'es', elasticsearch: '9' })
  })
  after(async () => {
    if (skip === false) await own.wipe()
  })

  it(
    'is checked, set up, written to, waited for, and refuses single documents as one of version 8 does',
    { skip },
    async (t) => {
      const stack = { skip: false, kafka: shared.kafka, elasticsearch: own.elasticsearch } as const
      const bed = new TestBed(stack)
      t.after(() => bed.close())
      const nlp = await bed.nlp(t, { settings: { latencyMs: 5 } })

      const load = await bed.load(t, { partitions: 2, count: 1000 })
      const settings = load.settings({ ...stack, nlp: nlp.url })
      const set = await runCommand('setup', settings)
      assert.equal(set.code, 0, set.stdout)
      const checked = await runCommand('check', settings)
      assert.equal(checked.code, 0, checked.stdout)

      const daemon = bed.start(t, settings)
      load.startSampling()
      await load.indexed(300)
      await own.stop('es')
      await load.produce(500)
      await daemon.logged('elasticsearch.down')
      await own.start('es')
      await load.settled(60_000)
      assert.equal((await daemon.stop()).code, 0, daemon.tail())
      assertExact(await load.report(nlp.answered))

      const line = await bed.line(t)
      await bed.es.request('PUT', `/${line.index}`, {
        mappings: { dynamic: false, properties: { count: { type: 'long' } } },
      })
      await bed.kafka.produce(line.topic, [
        { value: '{"message":"taken","count":1}' },
        { value: '{"message":"refused","count":"many"}' },
      ])
      const strict = bed.start(t, line.settings(nlp))
      await line.settled(2)
      assert.equal((await strict.stop()).code, 0, strict.tail())
      assert.deepEqual([...(await line.documents()).keys()], ['0/0'])
      const letters = [...(await line.deadLetters())].map(([at, { reason }]) => [at, reason])
      assert.deepEqual(letters, [['0/1', 'document-rejected']])
    },
  )
})
