import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { CertificateAuthority } from '../support/certificates.js'
import { startFakeNlp } from '../support/fake-nlp.js'
import { listen, startFakeCluster, type Routes } from './support/fake-cluster.js'
import { failures, runCommand, type Outcome } from './support/run-command.js'
import type { TestContext } from 'node:test'

const index = 'app-sample'
const HEALTH = 'GET /_cluster/health'

async function checked(t: TestContext, url: string, settings: Record<string, string> = {}): Promise<Outcome> {
  const nlp = await startFakeNlp()
  t.after(() => nlp.close())
  return runCommand('check', {
    'source.type': 'stdin',
    'deadLetter.path': '/tmp/dead-letters.ndjson',
    'nlp.url': nlp.url,
    'elasticsearch.nodes': url,
    'elasticsearch.index': 'app-{service}',
    ...settings,
  })
}

async function against(
  t: TestContext,
  routes: Routes,
  settings: Record<string, string> = {},
): Promise<Outcome> {
  const cluster = await startFakeCluster(t, routes)
  return checked(t, cluster.url, settings)
}

const authenticated = {
  'GET /_security/_authenticate': { username: 'enrichd' },
  'POST /_security/user/_has_privileges': {
    has_all_requested: true,
    index: { [index]: { index: true, create_doc: true, auto_configure: true } },
  },
}
const exists = {
  'GET /_resolve/index/*': { indices: [{ name: index }], aliases: [], data_streams: [] },
  'POST /_bulk': {
    errors: true,
    items: [{ update: { status: 404, error: { type: 'document_missing_exception', reason: 'missing' } } }],
  },
}

function mapped(properties: object, mappings: object = {}, settings: object = {}): Routes {
  return { ...exists, [`GET /${index}`]: { [index]: { mappings: { properties, ...mappings }, settings } } }
}

describe('check of Elasticsearch', () => {
  it('a free name that a template types is fine, and nothing is written', async (t) => {
    const cluster = await startFakeCluster(t, {
      ...authenticated,
      'GET /_index_template': {
        index_templates: [{ name: 'app', index_template: { index_patterns: ['app-*'], priority: 200 } }],
      },
      'POST /_index_template/_simulate_index/*': {
        template: { mappings: { properties: { severity: { type: 'keyword' } } } },
      },
    })
    const outcome = await checked(t, cluster.url)
    assert.equal(outcome.code, 0, outcome.stdout)
    assert.deepEqual(
      outcome.lines.filter((line) => /elasticsearch|index|mapping/.test(line)),
      [
        'ok    elasticsearch: it answers, to user enrichd',
        `ok    index ${index}: not there yet; the first document makes it an index by template app`,
        `ok    mapping of ${index}: it takes our documents`,
      ],
    )
    assert.ok(!cluster.asked.some((each) => /^(PUT|DELETE)|_bulk/.test(each)), cluster.asked.join('\n'))
  })

  it('a name that a template would turn into a data stream needs creates', async (t) => {
    // As a stock server answers for its own template `logs`, but for other names.
    const stock = {
      'GET /_index_template': {
        index_templates: [
          {
            name: 'logs',
            index_template: {
              index_patterns: ['app-*'],
              composed_of: ['logs@mappings', 'logs@settings', 'ecs@mappings'],
              priority: 100,
              version: 14,
              _meta: { description: 'default logs template', managed: true },
              data_stream: { hidden: false, allow_custom_routing: false },
              ignore_missing_component_templates: ['logs@custom'],
            },
          },
          { name: 'all', index_template: { index_patterns: ['*'], priority: 1 } },
        ],
      },
    }
    assert.deepEqual(failures(await against(t, stock)), [
      `FAIL  index ${index}: template logs would make it a data stream, which takes only creates; set elasticsearch.opType to create, or change elasticsearch.index`,
    ])
    const creating = await against(t, stock, { 'elasticsearch.opType': 'create' })
    assert.match(creating.stdout, /ok +index app-sample: .* makes it a data stream by template logs\n/)
  })

  it('a data stream that is there needs creates too', async (t) => {
    const routes = { 'GET /_resolve/index/*': { indices: [], aliases: [], data_streams: [{ name: index }] } }
    assert.match(failures(await against(t, routes)).join(), /it is a data stream, which takes only creates/)
  })

  it('refused credentials, and privileges that lack, are named', async (t) => {
    const refused = await against(t, { 'GET /_security/_authenticate': [401, { error: {}, status: 401 }] })
    assert.match(
      failures(refused).join(),
      /^FAIL +elasticsearch: the credentials are refused \(401\); correct elasticsearch\.apiKey/,
    )
    const lacking = await against(t, {
      ...authenticated,
      'POST /_security/user/_has_privileges': { index: { [index]: { index: true, auto_configure: false } } },
    })
    assert.match(
      failures(lacking).join(),
      /may not write to it; give its role the index privileges auto_configure on it/,
    )
  })

  it('an index that is blocked, or may not come into being, is no place to write', async (t) => {
    const block = {
      status: 403,
      error: { type: 'cluster_block_exception', reason: 'blocked by: index write (api)' },
    }
    const blocked = await against(t, {
      ...exists,
      'POST /_bulk': { errors: true, items: [{ update: block }] },
    })
    assert.match(failures(blocked).join(), /cluster_block_exception.*lift the block/)
    const closed = await against(t, {
      'GET /_cluster/settings': { persistent: { 'action.auto_create_index': '-app-*,+*' } },
    })
    assert.match(failures(closed).join(), /action\.auto_create_index/)
  })

  it('a mapping that conflicts is told field by field, with what to do', async (t) => {
    const outcome = await against(
      t,
      mapped({
        entities: { type: 'keyword' },
        '@timestamp': { type: 'long' },
        severity: { type: 'text' },
        kafka: { properties: { offset: { type: 'integer' } } },
        original: { type: 'text' },
      }),
    )
    assert.deepEqual(failures(outcome), [
      `FAIL  mapping of ${index}: @timestamp: it is mapped as long, and we write a time (ISO 8601); correct the template and write to a new index (elasticsearch.index)`,
      `FAIL  mapping of ${index}: entities: it is mapped as keyword, and we write an array of objects; correct the template and write to a new index (elasticsearch.index)`,
      `FAIL  mapping of ${index}: original: it is mapped as text, and we write an object; correct the template and write to a new index (elasticsearch.index)`,
    ])
    assert.match(
      outcome.stdout,
      /warn +mapping of app-sample: severity: it is mapped as text: it cannot be aggregated/,
    )
  })

  it('malformed values that the index ignores are only a warning; dotted, nested and flattened mappings fit', async (t) => {
    const lenient = await against(
      t,
      mapped(
        {
          '@timestamp': { type: 'long' },
          'kafka.offset': { type: 'long' },
          entities: { type: 'nested', properties: { type: { type: 'keyword' } } },
          enrichment: { type: 'flattened' },
          severity: { type: 'text', fields: { keyword: { type: 'keyword' } } },
        },
        {},
        { 'index.mapping.ignore_malformed': 'true' },
      ),
    )
    assert.deepEqual(failures(lenient), [])
    assert.match(lenient.stdout, /warn +mapping of app-sample: @timestamp: it is mapped as long/)
  })

  it('a strict mapping without our fields refuses every document', async (t) => {
    const outcome = await against(t, mapped({ message: { type: 'text' } }, { dynamic: 'strict' }))
    assert.match(failures(outcome).join('\n'), /entities: the mapping is strict and has no entities; add it/)
    assert.match(outcome.stdout, /warn .*records with fields of their own that it lacks become dead letters/)
  })

  it('where nothing types our fields, or nobody may look, it is said', async (t) => {
    const none = await against(t, { 'POST /_index_template/_simulate_index/*': {} })
    assert.match(none.stdout, /warn +mapping of app-sample: .*run enrichd setup/)
    assert.match((await against(t, {})).stdout, /warn +mapping of app-sample: not looked at/)
  })

  it('wrong ports, TLS against plain text and the reverse, and an unknown CA are told apart', async (t) => {
    const authority = new CertificateAuthority()
    const secure = await startFakeCluster(t, {}, authority.issue({ commonName: 'es' }))
    const plain = await startFakeCluster(t, { 'POST /_index_template/_simulate_index/*': {} })
    const said = async (url: string) => failures(await checked(t, url)).join()
    assert.match(
      await said('http://127.0.0.1:1'),
      /ECONNREFUSED.*correct host and port in elasticsearch\.nodes, or start it/,
    )
    assert.match(
      await said(plain.url.replace('http', 'https')),
      /does not speak TLS; begin .* with http:\/\//,
    )
    assert.match(await said(secure.url.replace('https', 'http')), /speaks TLS; begin .* with https:\/\//)
    assert.match(await said(secure.url), /CA that is not known here; set elasticsearch\.tls\.ca/)
  })

  it('something else that answers is not taken for Elasticsearch', async (t) => {
    const page = await listen(t, (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/html' }).end('<html>')
    })
    const json = await listen(t, (_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' }).end('{"status":"green"}')
    })
    for (const url of [page, json])
      assert.match(
        failures(await checked(t, url)).join(),
        /elasticsearch\.nodes: what answers there|not from Elasticsearch/,
      )
    const broken = await startFakeCluster(t, {
      [HEALTH]: [503, { error: { type: 'master_not_discovered_exception' } }],
    })
    assert.match(failures(await checked(t, broken.url)).join(), /master_not_discovered_exception/)
  })
})
