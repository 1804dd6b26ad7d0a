import { assembleAnalyser } from '../../assembly/assemble-nlp.js'
import type { Config } from '../../config/schema.js'
import { analyseOnce, type Analyser } from '../../enrich/analyser.js'
import { EnrichdError } from '../../errors.js'
import type { Telemetry } from '../../telemetry/telemetry.js'
import { advise, inWords, type Finding, type Report } from '../finding.js'
import { speaksTls } from './speaks-tls.js'

export interface CheckNlpOptions {
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly telemetry: Telemetry
  readonly report: Report
}

const samples = [
  'Connection to 10.0.0.7:5432 refused after 30 s, user alice@example.com, retrying',
  'Started order-service in 4.2 seconds',
] as const

/** A mistyped pointer looks like this. */
const nothingFound =
  'if the service does find something there, correct nlp.http.entities and nlp.http.severity'

/** One real call with one text, and one with two where the configuration sends several. */
export async function checkNlp(config: Config, options: CheckNlpOptions): Promise<void> {
  const { report, telemetry, environment } = options
  const { url, batchSize } = config.nlp
  const subject = `nlp service ${url === 'embedded:' ? 'inside this process' : withoutSecrets(url)}`
  let analyser: Analyser
  try {
    analyser = await assembleAnalyser(config, { environment, telemetry })
  } catch (error) {
    report({ status: 'FAIL', subject, message: advise(inWords(error), 'correct nlp.protocol') })
    return
  }
  try {
    report({ subject, ...(await callOnce(analyser, url)) })
    if (Math.min(batchSize, analyser.maxTexts) > 1)
      report({ subject: `${subject}, two texts in one call`, ...(await call(analyser, samples)) })
    else if (batchSize > 1) {
      const message = 'this protocol carries one text a call; nlp.batchSize has no effect'
      report({ status: 'warn', subject, message })
    }
  } finally {
    await analyser.close()
  }
}

/** A service that hangs up on plain text may speak TLS. */
async function callOnce(analyser: Analyser, url: string): Promise<Outcome> {
  const outcome = await call(analyser, samples.slice(0, 1))
  // At its beginning: what the service says comes behind.
  const unreachable = /^the NLP service cannot be reached/.test(outcome.message)
  if (outcome.status === 'ok' || !url.startsWith('http:') || !unreachable) return outcome
  const message = 'the NLP service speaks TLS; begin nlp.url with https://'
  return (await speaksTls(url)) ? { status: 'FAIL', message } : outcome
}

type Outcome = Pick<Finding, 'status' | 'message'>

async function call(analyser: Analyser, texts: readonly string[]): Promise<Outcome> {
  const startedMs = performance.now()
  try {
    const analyses = await analyseOnce(analyser, texts)
    const entities = analyses.reduce((sum, analysis) => sum + analysis.entities.length, 0)
    const ms = Math.round(performance.now() - startedMs)
    const severity = analyses[0]?.severity
    const found = `${entities} ${entities === 1 ? 'entity' : 'entities'} in the sample, severity ${severity ?? 'left to the level of the record'}`
    if (analyser.name === 'http' && entities === 0 && severity === undefined)
      return { status: 'warn', message: advise(`answered in ${ms} ms: ${found}`, nothingFound) }
    return { status: 'ok', message: `answered in ${ms} ms: ${found}` }
  } catch (error) {
    return failureOf(error)
  }
}

function failureOf(error: unknown): Outcome {
  const said = inWords(error)
  if (!(error instanceof EnrichdError)) return { status: 'FAIL', message: said }
  switch (error.code) {
    case 'NLP_OVERLOADED':
      return { status: 'warn', message: `${said}: it is there and takes no more calls now; run check again` }
    case 'NLP_UNREACHABLE':
      return {
        status: 'FAIL',
        message: advise(said, 'correct host and port in nlp.url, or start the service'),
      }
    case 'NLP_TIMEOUT':
      return { status: 'FAIL', message: advise(said, 'correct nlp.url, or raise nlp.timeoutMs') }
    case 'NLP_REJECTED':
      return {
        status: 'FAIL',
        message: advise(
          said,
          'it refuses a plain sample: correct nlp.protocol (or nlp.http.body) to what it takes',
        ),
      }
    case 'NLP_BAD_ANSWER':
      return {
        status: 'FAIL',
        message: advise(said, 'correct nlp.url and nlp.protocol (or the pointers of nlp.http)'),
      }
    case 'NLP_SERVER_ERROR':
      return { status: 'FAIL', message: advise(said, "look at the service's own log") }
    default:
      return { status: 'FAIL', message: said }
  }
}

/** Without user, password and query. */
export function withoutSecrets(url: string): string {
  const { origin, pathname } = new URL(url)
  return origin + pathname
}
