import { pathToFileURL } from 'node:url'
import { resolve } from 'node:path'
import { EnrichdError } from '../../errors.js'
import { badAnswer, checkResults, isObject } from '../check-analysis.js'
import type { NlpAnswer, NlpProtocol, NlpRequest } from '../nlp-protocol.js'

/**
 * Loads a user's own protocol from an ES module. Its default export is an object:
 *
 *     export default {
 *       name: 'ours',                      // optional, else the file's name
 *       maxTexts: 1,                       // optional, texts per request
 *       request(texts, { path }) { return { method: 'POST', path, contentType: 'application/json', body: '…' } },
 *       parse({ status, headers, body }, texts) { return texts.map(() => ({ entities: [], severity: 'low' })) },
 *     }
 *
 * What it returns is checked like an answer of the service; what its `parse` throws counts as a bad answer.
 * @throws EnrichdError `CONFIG_INVALID` if the module cannot be loaded or is not of this shape.
 */
export async function loadAdapter(file: string, options: { readonly path: string }): Promise<NlpProtocol> {
  const adapter = await importDefault(file)
  const { request, parse, name = file, maxTexts = 1 } = adapter
  if (typeof request !== 'function' || typeof parse !== 'function') {
    throw invalid(file, 'its default export has no functions request and parse')
  }
  if (typeof name !== 'string') throw invalid(file, 'name is not a string')
  if (typeof maxTexts !== 'number' || !Number.isInteger(maxTexts) || maxTexts < 1) {
    throw invalid(file, 'maxTexts is not an integer of 1 or more')
  }
  return {
    name,
    maxTexts,
    request: (texts) => checkRequest(request.call(adapter, texts, options), file),
    parse: (answer, texts) =>
      checkResults(
        parsed(() => parse.call(adapter, answer, texts)),
        texts,
      ),
  }
}

interface Adapter {
  readonly name?: unknown
  readonly maxTexts?: unknown
  readonly request?: (texts: readonly string[], options: { readonly path: string }) => unknown
  readonly parse?: (answer: NlpAnswer, texts: readonly string[]) => unknown
}

async function importDefault(file: string): Promise<Adapter> {
  let module: { readonly default?: unknown }
  try {
    module = (await import(pathToFileURL(resolve(file)).href)) as { readonly default?: unknown }
  } catch (error) {
    throw invalid(file, 'it cannot be loaded', error)
  }
  if (!isObject(module.default)) throw invalid(file, 'it has no default export that is an object')
  return module.default
}

function checkRequest(value: unknown, file: string): NlpRequest {
  if (!isObject(value)) throw invalid(file, 'request returned no object')
  const { method = 'POST', path, contentType = 'application/json', body } = value
  if (typeof method !== 'string' || typeof path !== 'string' || typeof contentType !== 'string') {
    throw invalid(file, 'request returned no method, path or contentType that is a string')
  }
  if (typeof body !== 'string') throw invalid(file, 'request returned no body that is a string')
  return { method, path, contentType, body }
}

function parsed(parse: () => unknown): unknown {
  try {
    return parse()
  } catch (error) {
    if (error instanceof EnrichdError) throw error
    throw badAnswer('the adapter could not read it', error)
  }
}

function invalid(file: string, detail: string, cause?: unknown): EnrichdError {
  return new EnrichdError('CONFIG_INVALID', `the NLP adapter ${file} cannot be used: ${detail}`, {
    kind: 'setting',
    cause,
  })
}
