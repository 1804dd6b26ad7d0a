import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { Ajv } from 'ajv'
import { parse } from 'yaml'
import { parseCommandLine } from '../../src/commands/command-line.js'
import { commands } from '../../src/commands/commands.js'
import { loadConfig } from '../../src/config/load.js'
import { imageEnvironment, root } from './dockerfile.js'

interface Service {
  readonly image: string
  readonly build?: string
  readonly command?: readonly string[]
  readonly environment?: Readonly<Record<string, string | number>>
  readonly ports?: readonly string[]
  readonly volumes?: readonly string[]
  readonly read_only?: boolean
  readonly healthcheck?: { readonly test?: readonly string[]; readonly disable?: boolean }
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>
  readonly stop_grace_period?: string
}

const text = readFileSync(`${root}/docker-compose.yml`, 'utf8')
const compose = parse(text, { merge: true }) as {
  readonly services: Readonly<Record<string, Service>>
  readonly volumes: Readonly<Record<string, unknown>>
}
const { services } = compose
const ours = Object.entries(services).filter(([, { image }]) => image.startsWith('enrichd:'))

/** The environment that a service's process has; what compose itself replaces has its default. */
function environmentOf({ environment = {} }: Service): Record<string, string> {
  const entries = Object.entries(environment).map(([name, value]) => [name, withDefaults(String(value))])
  return { ...imageEnvironment(), ...(Object.fromEntries(entries) as Record<string, string>) }
}

function withDefaults(value: string): string {
  return value.replace(/\$\{\w+:-([^}]*)\}/g, '$1')
}

describe('docker-compose.yml', () => {
  test('it is valid by the schema of the compose specification', () => {
    const validate = new Ajv({ strict: false, validateFormats: false }).compile(composeSchema())
    assert.ok(validate(compose), JSON.stringify(validate.errors, undefined, 2))
    const wrong = parse(text.replace('read_only: true', 'read-only: true'), { merge: true }) as unknown
    assert.ok(!validate(wrong), 'it notices a typing error')
  })

  test('every image is pinned to a version', () => {
    for (const [name, { image }] of Object.entries(services)) assert.match(image, /:\d+\.\d+\.\d+$/, name)
    const { version } = JSON.parse(readFileSync(`${root}/package.json`, 'utf8')) as { version: string }
    for (const [, { image, build }] of ours) assert.deepEqual([image, build], [`enrichd:${version}`, '.'])
  })

  test('the servers have the versions that the tests run against', () => {
    const versions = readFileSync(`${root}/scripts/stack/versions.mjs`, 'utf8')
    const [, kafka] = /kafkaVersion = '([\d.]+)'/.exec(versions) ?? []
    const [, elasticsearch] = /8: '([\d.]+)'/.exec(versions) ?? []
    assert.equal(services['kafka']?.image, `apache/kafka:${kafka ?? ''}`)
    assert.equal(
      services['elasticsearch']?.image,
      `docker.elastic.co/elasticsearch/elasticsearch:${elasticsearch ?? ''}`,
    )
  })

  test('every command is one of the program, and every variable a setting: the configuration is complete', () => {
    assert.ok(ours.length >= 3)
    for (const [name, service] of ours) {
      const { command } = parseCommandLine(service.command ?? [], commands)
      if (command.name === 'nlp-server') continue
      const { config } = loadConfig({ environment: environmentOf(service) })
      assert.deepEqual(config.kafka.topics, ['logs'], name)
    }
    const named = ours.map(([, { command }]) => command?.[0] ?? 'run')
    assert.deepEqual(named.sort(), ['nlp-server', 'run', 'setup'])
  })

  test('addresses name services of the file and ports that they listen on', () => {
    const { config } = loadConfig({ environment: environmentOf(services['enrichd']!) })
    const listeners = String(services['kafka']?.environment?.['KAFKA_LISTENERS'])
    const advertised = String(services['kafka']?.environment?.['KAFKA_ADVERTISED_LISTENERS'])
    for (const broker of config.kafka.brokers) {
      const [host, port = ''] = broker.split(':')
      assert.equal(host, 'kafka')
      assert.ok(listeners.includes(`://:${port}`) && advertised.includes(`://${broker}`))
    }
    const nlp = new URL(config.nlp.url)
    assert.ok(services[nlp.hostname]?.command?.includes(nlp.port))
    for (const node of config.elasticsearch.nodes) assert.equal(new URL(node).hostname, 'elasticsearch')
  })

  test('the topic to read is made before the daemon starts', () => {
    const { config } = loadConfig({ environment: environmentOf(services['enrichd']!) })
    assert.ok(services['topics']?.command?.includes(`--topic=${config.kafka.topics[0] ?? ''}`))
    assert.deepEqual(orderOf('enrichd'), ['kafka', 'topics', 'elasticsearch', 'setup', 'nlp'])
  })

  test('whoever is waited for tells when it is ready', () => {
    for (const { depends_on: needed = {} } of Object.values(services)) {
      for (const [name, { condition }] of Object.entries(needed)) {
        const { healthcheck } = services[name]!
        if (condition === 'service_healthy') assert.ok((healthcheck?.test?.length ?? 0) > 1, name)
        else assert.equal(condition, 'service_completed_successfully')
      }
    }
  })

  test('stopping leaves the drain the time that it may take', () => {
    const enrichd = services['enrichd']!
    const { config } = loadConfig({ environment: environmentOf(enrichd) })
    const [, seconds] = /^(\d+)s$/.exec(enrichd.stop_grace_period ?? '') ?? []
    assert.ok(Number(seconds) * 1000 >= config.pipeline.gracefulTimeoutMs + 5000)
  })

  test('our containers have a read-only root file system, and ports are published on loopback only', () => {
    for (const [name, service] of ours) assert.equal(service.read_only, true, name)
    for (const { ports = [] } of Object.values(services))
      for (const port of ports) assert.match(withDefaults(port), /^127\.0\.0\.1:\d+:\d+$/)
    for (const { volumes = [] } of Object.values(services))
      for (const volume of volumes) assert.ok(volume.split(':')[0]! in compose.volumes)
  })
})

/** The specification's schema, as dclint brings it. */
function composeSchema(): object {
  const path = new URL('schemas/compose.schema.json', import.meta.resolve('dclint/package.json'))
  const schema = JSON.parse(readFileSync(path, 'utf8')) as object
  return { ...schema, $schema: 'http://json-schema.org/draft-07/schema' }
}

/** What is started before a service, in the order of dependency. */
function orderOf(name: string): string[] {
  const before = Object.keys(services[name]?.depends_on ?? {}).flatMap((one) => [...orderOf(one), one])
  return [...new Set(before)]
}
