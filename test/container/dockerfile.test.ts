import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { loadConfig } from '../../src/config/load.js'
import { dockerfile, imageEnvironment, imageInstruction, imageInstructions, root } from './dockerfile.js'

/** What is copied from the clone, not from another stage. */
const copied = dockerfile()
  .filter(({ keyword, rest }) => keyword === 'COPY' && !rest.startsWith('--from'))
  .flatMap(({ rest }) => rest.split(/\s+/).slice(0, -1))

test('every path that the Dockerfile copies is there and is not ignored', () => {
  const lines = readFileSync(join(root, '.dockerignore'), 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
  assert.equal(lines[0], '*', 'everything is ignored but what is named')
  const allowed = lines.slice(1)
  for (const line of allowed) assert.match(line, /^![^*]+$/)
  for (const path of copied) {
    assert.ok(existsSync(join(root, path)), `${path} is there`)
    assert.ok(allowed.includes(`!${path}`), `${path} is not ignored`)
  }
  assert.deepEqual(new Set(allowed.map((line) => line.slice(1))), new Set(copied), 'nothing else gets in')
})

test('what is copied from an earlier stage was made there, in its working directory', () => {
  const names = dockerfile()
    .filter(({ keyword }) => keyword === 'FROM')
    .map(({ rest }) => /\sAS (\S+)$/.exec(rest)?.[1])
  const { outDir } = (
    JSON.parse(readFileSync(join(root, 'tsconfig.json'), 'utf8')) as { compilerOptions: { outDir: string } }
  ).compilerOptions
  const made: Readonly<Record<string, string>> = {
    build: `/build/${outDir}`,
    packages: '/packages/node_modules',
  }
  const fromStages = imageInstructions().filter(({ rest }) => rest.startsWith('--from='))
  assert.equal(fromStages.length, 2)
  for (const { rest } of fromStages) {
    const [, name = '', path] = /^--from=(\S+) (\S+) /.exec(rest) ?? []
    assert.ok(names.includes(name))
    assert.equal(path, made[name])
    const stage = names.indexOf(name)
    assert.ok(
      dockerfile().some(
        (one) =>
          one.stage === stage && one.keyword === 'WORKDIR' && one.rest === path?.replace(/\/[^/]+$/, ''),
      ),
    )
  }
})

test('the image is pinned to a version, runs as nobody special, without a shell, and stops on SIGTERM', () => {
  const [node] = dockerfile().filter(({ keyword }) => keyword === 'ARG')
  assert.match(node?.rest ?? '', /^NODE=node:\d+\.\d+\.\d+-[a-z]+-slim$/)
  for (const { keyword, rest } of dockerfile())
    if (keyword === 'FROM') assert.match(rest, /^\$\{NODE\}( AS \w+)?$/)
  assert.match(imageInstruction('USER'), /^[1-9]\d*:[1-9]\d*$/)
  assert.equal(imageInstruction('STOPSIGNAL'), 'SIGTERM')
  assert.ok(!imageInstructions().some(({ keyword }) => keyword === 'RUN'))
  assert.deepEqual(JSON.parse(imageInstruction('ENTRYPOINT')), ['node', 'dist/main.js'])
})

test('the variables that the image sets are settings, and the admin port is reachable from outside', () => {
  const environment = imageEnvironment()
  const required = { ENRICHD_NLP_URL: 'embedded:', ENRICHD_SOURCE_TYPE: 'stdin', ENRICHD_SINK_TYPE: 'stdout' }
  const { config } = loadConfig({ environment: { ...environment, ...required } })
  assert.equal(config.admin.host, '0.0.0.0')
  assert.equal(imageInstruction('EXPOSE'), String(config.admin.port))
})

test('the health check asks /livez on the admin port, and fails where it is not 200 or nobody answers', async () => {
  const [, command = '[]'] = /\sCMD (\[.*\])$/.exec(imageInstruction('HEALTHCHECK')) ?? []
  const [node, ...args] = JSON.parse(command) as string[]
  assert.equal(node, 'node')
  const asked: (string | undefined)[] = []
  let status = 200
  const server = createServer((request, response) => {
    asked.push(request.url)
    response.writeHead(status).end()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const check = async (): Promise<number | null> => {
    const child = spawn(process.execPath, args, {
      env: { ENRICHD_ADMIN_PORT: String(port) },
      stdio: 'ignore',
    })
    return ((await once(child, 'exit')) as [number | null])[0]
  }
  assert.equal(await check(), 0)
  status = 503
  assert.equal(await check(), 1)
  server.close()
  server.closeAllConnections()
  await once(server, 'close')
  assert.equal(await check(), 1)
  assert.deepEqual(asked, ['/livez', '/livez'])
})
