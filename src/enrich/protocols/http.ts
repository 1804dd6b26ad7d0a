import type { Analysis, Entity } from '../analysis.js'
import { bodyTemplate } from '../body-template.js'
import { badAnswer, checkEntity, checkSeverity, parseAnswer, toAnalysis } from '../check-analysis.js'
import { fromCodePoints } from '../code-points.js'
import { jsonPointer, type ReadPointer } from '../json-pointer.js'
import type { NlpProtocol } from '../nlp-protocol.js'

/** Any service that takes one text and answers JSON. Everything called a pointer is a JSON pointer (RFC 6901). */
export interface HttpProtocolOptions {
  readonly method: string
  readonly path: string
  readonly contentType: string
  /** A template: JSON, a form, or `{{text}}` alone. */
  readonly body: string
  /**
   * Pointer to the array of entities; '' where the answer is the array. Nothing there means no entities, since many services leave
   * an empty list out; but not in an answer that is no object, or has a member `error` or `errors` in its place.
   */
  readonly entities: string
  /** Pointer to the severity, where the service gives one. */
  readonly severity?: string | undefined
  /** Pointers within an entity. */
  readonly entity: {
    /** Without it, or where nothing is there, the text is cut from the source. */
    readonly text?: string | undefined
    readonly type: string
    readonly start?: string | undefined
    readonly end?: string | undefined
    /** In place of `end`. */
    readonly length?: string | undefined
    readonly score?: string | undefined
  }
  /** What the service counts offsets in. Python counts code points. */
  readonly offsetUnit: 'utf16' | 'codePoint'
}

const nothing: ReadPointer = () => undefined

/** @throws TypeError if a pointer or the template cannot work; the message names the setting. */
export function httpProtocol(options: HttpProtocolOptions): NlpProtocol {
  const fill = named('nlp.http.body', () => bodyTemplate(options.body, options.contentType))
  const readEntities = pointer('nlp.http.entities', options.entities)
  const readSeverity = pointer('nlp.http.severity', options.severity)
  const readEntity = entityReader(options)
  return {
    name: 'http',
    maxTexts: 1,
    request([text = '']) {
      const { method, path, contentType } = options
      return { method, path, contentType, body: fill(text) }
    },
    parse(answer, [text = '']): Analysis[] {
      const value = parseAnswer(answer.body)
      const list = readEntities(value) ?? noEntities(value)
      if (!Array.isArray(list))
        throw badAnswer(`there is no array at nlp.http.entities "${options.entities}"`)
      const toUtf16 = options.offsetUnit === 'codePoint' ? fromCodePoints(text) : undefined
      const entities = list.map((one: unknown) => readEntity(one, text, toUtf16))
      return [toAnalysis(entities, checkSeverity(readSeverity(value)))]
    },
  }
}

/** What nothing at the place of the entities means. */
function noEntities(answer: unknown): readonly unknown[] {
  if (typeof answer !== 'object' || answer === null) throw badAnswer('it is neither an object nor an array')
  if ('error' in answer || 'errors' in answer) throw badAnswer('it tells of an error in place of entities')
  return []
}

type ReadEntity = (
  value: unknown,
  source: string,
  toUtf16: ((offset: number) => number) | undefined,
) => Entity

function entityReader({ entity }: HttpProtocolOptions): ReadEntity {
  const readText = pointer('nlp.http.entity.text', entity.text)
  const readType = pointer('nlp.http.entity.type', entity.type)
  const readStart = pointer('nlp.http.entity.start', entity.start)
  const readEnd = pointer('nlp.http.entity.end', entity.end)
  const readLength = pointer('nlp.http.entity.length', entity.length)
  const readScore = pointer('nlp.http.entity.score', entity.score)
  return (value, source, toUtf16) => {
    const start = readStart(value)
    const end = readEnd(value) ?? sum(start, readLength(value))
    const raw = {
      text: readText(value),
      type: readType(value),
      start: typeof start === 'number' && toUtf16 ? toUtf16(start) : start,
      end: typeof end === 'number' && toUtf16 ? toUtf16(end) : end,
      score: readScore(value),
    }
    return checkEntity(raw, source)
  }
}

function sum(start: unknown, length: unknown): unknown {
  return typeof start === 'number' && typeof length === 'number' ? start + length : undefined
}

function pointer(name: string, path: string | undefined): ReadPointer {
  return path === undefined ? nothing : named(name, () => jsonPointer(path))
}

function named<T>(name: string, compile: () => T): T {
  try {
    return compile()
  } catch (error) {
    throw new TypeError(`${name}: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    })
  }
}
