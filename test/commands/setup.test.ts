import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { startFakeCluster, type FakeCluster, type Routes } from './support/fake-cluster.js'
import { runCommand, type Outcome } from './support/run-command.js'

const PUT = 'PUT /_index_template/enrichd-app'

async function setUp(
  t: TestContext,
  routes: Routes,
  settings: Record<string, string> = {},
): Promise<Outcome & { cluster: FakeCluster }> {
  const cluster = await startFakeCluster(t, routes)
  const outcome = await runCommand('setup', {
    'source.type': 'stdin',
    'nlp.url': 'embedded:',
    'elasticsearch.nodes': cluster.url,
    'elasticsearch.index': 'app-{yyyy}',
    ...settings,
  })
  return { ...outcome, cluster }
}

function template(name: string, body: object): object {
  return { name, index_template: { index_patterns: ['app-*'], priority: 100, ...body } }
}
const having = (...templates: object[]): Routes => ({
  'GET /_index_template': { index_templates: templates },
})
const made = { [PUT]: { acknowledged: true } }

interface Body {
  readonly priority: number
  readonly index_patterns: string[]
  readonly data_stream?: object
  readonly template: {
    readonly settings: { readonly index: { readonly mapping: Record<string, unknown> } }
    readonly mappings: { readonly properties: Record<string, Record<string, unknown>> }
  }
}
const sent = ({ cluster }: { cluster: FakeCluster }) => JSON.parse(cluster.bodies.get(PUT) ?? '{}') as Body

/** Refuses what `refuses` says, as Elasticsearch does: the reason deep in the causes. */
function refusing(refuses: (body: Body) => string | undefined): Routes {
  return {
    [PUT]: (text) => {
      const reason = refuses(JSON.parse(text) as Body)
      const error = { type: 'illegal_argument_exception', reason: 'invalid', caused_by: { reason } }
      return reason === undefined ? { acknowledged: true } : [400, { error, status: 400 }]
    },
  }
}

describe('setup of the index template', () => {
  it('makes it where it is missing: our fields typed, what is malformed or too much ignored', async (t) => {
    const outcome = await setUp(t, made)
    assert.equal(outcome.code, 0, outcome.stdout)
    assert.match(outcome.stdout, /^made +index template enrichd-app: made for app-\*, priority 501$/m)
    const { settings, mappings } = sent(outcome).template
    assert.deepEqual(settings.index.mapping, {
      ignore_malformed: true,
      total_fields: { ignore_dynamic_beyond_limit: true },
    })
    assert.deepEqual(mappings.properties['@timestamp'], { type: 'date' })
    assert.deepEqual(mappings.properties['entities'], {
      properties: {
        text: { type: 'keyword', ignore_above: 1024 },
        type: { type: 'keyword', ignore_above: 256 },
        start: { type: 'integer' },
        end: { type: 'integer' },
        score: { type: 'float' },
      },
    })
    assert.equal(sent(outcome).data_stream, undefined)
  })

  it('leaves what is there, and shows where it differs', async (t) => {
    const first = sent(await setUp(t, made))
    const same = await setUp(t, having(template('enrichd-app', { ...first, priority: 7 })))
    assert.match(same.stdout, /ok +index template enrichd-app: there already, as it should be/)
    // As Elasticsearch gives settings back.
    const { properties } = first.template.mappings
    const changed = {
      template: {
        settings: { index: { mapping: { ignore_malformed: 'true' } } },
        mappings: { properties: { ...properties, severity: { type: 'text' }, theirs: { type: 'ip' } } },
      },
    }
    const other = await setUp(t, having(template('enrichd-app', changed)))
    assert.equal(other.code, 0)
    assert.deepEqual(other.lines.slice(1), [
      'warn  index template enrichd-app: there already and left as it is; differs: settings.mapping.total_fields.ignore_dynamic_beyond_limit is not there (ours: true)',
      'warn  index template enrichd-app: there already and left as it is; differs: severity.type is text (ours: keyword)',
      'warn  index template enrichd-app: there already and left as it is; differs: severity.ignore_above is not there (ours: 64)',
    ])
    assert.ok(!other.cluster.asked.includes(PUT))
  })

  it('takes the next priority where another template has its own', async (t) => {
    const outcome = await setUp(
      t,
      refusing(({ priority }) => (priority < 503 ? 'have the same priority' : undefined)),
    )
    assert.match(outcome.stdout, /made +index template enrichd-app: made for app-\*, priority 503/)
  })

  it('does without what the server does not know, and does not take that for a difference later', async (t) => {
    const outcome = await setUp(
      t,
      refusing(({ template: { settings, mappings } }) => {
        if (mappings.properties['original']?.['type'] === 'flattened')
          return 'The mapper type [flattened] declared on field [original] does not exist.'
        return 'total_fields' in settings.index.mapping
          ? 'unknown setting [index.mapping.total_fields.ignore_dynamic_beyond_limit]'
          : undefined
      }),
    )
    assert.match(
      outcome.stdout,
      /made .* without flattened and ignore_dynamic_beyond_limit, which this server does not know/,
    )
    assert.deepEqual(sent(outcome).template.mappings.properties['original'], {
      type: 'object',
      enabled: false,
    })
    const again = await setUp(t, having(template('enrichd-app', sent(outcome))))
    assert.match(again.stdout, /there already, as it should be/)
  })

  it('says whose place it takes, and gives way to one that was made on purpose', async (t) => {
    const low = await setUp(t, { ...made, ...having(template('all', { index_patterns: ['*'] })) })
    assert.match(low.stdout, /warn .*takes precedence over template all \(priority 100\)/)
    const high = await setUp(t, {
      ...having(template('theirs', { priority: 900 })),
      'POST /_index_template/_simulate_index/*': {
        template: { mappings: { properties: { entities: { type: 'keyword' } } } },
      },
    })
    assert.match(
      high.stdout,
      /ok +index template theirs: it decides about these names already \(priority 900\); nothing made/,
    )
    assert.match(high.stdout, /warn +index template theirs: differs: entities: it is mapped as keyword/)
    assert.equal(high.code, 0)
    assert.ok(!high.cluster.asked.includes(PUT))
  })

  it('makes data streams where documents are created, unless a template does so already', async (t) => {
    const create = { 'elasticsearch.opType': 'create' }
    assert.deepEqual(sent(await setUp(t, made, create)).data_stream, {})
    const stock = await setUp(t, having(template('logs', { data_stream: { hidden: false } })), create)
    assert.match(stock.stdout, /ok +index template logs: it decides/)
  })

  it('an index that is there keeps its mapping, and that is said', async (t) => {
    const routes = { ...made, 'GET /_resolve/index/*': { indices: [{}], aliases: [], data_streams: [] } }
    assert.match((await setUp(t, routes)).stdout, /warn .* is there already and keeps its mapping/)
  })

  it('refusals and missing permissions are told, with exit code 1', async (t) => {
    const refused = await setUp(
      t,
      refusing(() => 'no room for templates'),
    )
    assert.equal(refused.code, 1)
    assert.match(refused.stdout, /FAIL .*Elasticsearch refused it: invalid: no room for templates/)
    const forbidden = await setUp(t, { 'GET /_index_template': [403, {}] })
    assert.equal(forbidden.code, 1)
    assert.match(forbidden.stdout, /cluster privilege manage_index_templates/)
    const away = await runCommand('setup', {
      'source.type': 'stdin',
      'nlp.url': 'embedded:',
      'elasticsearch.nodes': 'http://127.0.0.1:1',
    })
    assert.deepEqual([away.code, /FAIL +elasticsearch: .*ECONNREFUSED/.test(away.stdout)], [1, true])
  })
})
