import { secretsOf, userNamesOf } from '../config/secrets.js'
import type { Config } from '../config/schema.js'
import { dependencies } from '../telemetry/events.js'
import { maskSecrets } from '../telemetry/mask-secrets.js'
import { proxiesOf, type Environment } from './proxies.js'

export interface SecretsInUse {
  readonly secrets: readonly string[]
  /** Names of users; they are hidden where they stand alone. */
  readonly userNames: readonly string[]
}

/** What nothing that the program says may contain: the secret settings, the passwords of proxies, and both as HTTP sends them. */
export function secretsInUse(config: Config, environment: Environment): SecretsInUse {
  const { username, password } = config.elasticsearch
  const { httpProxy, httpsProxy } = proxiesOf(environment)
  const logins = [httpProxy, httpsProxy].map(loginOf)
  const passwords = logins.map((login) => login.password)
  const inUse = [{ username, password }, ...logins]
  const userNames = [...userNamesOf(config), ...logins.map((login) => login.username)].filter(isText)
  return {
    secrets: [
      ...secretsOf(config),
      ...passwords,
      ...inUse.map(asHttpSendsIt),
      queryOf(config.nlp.url),
    ].filter(isText),
    // Every line names the dependency that it is about.
    userNames: userNames.filter((name) => !(dependencies as readonly string[]).includes(name)),
  }
}

/** Takes them out of a text. */
export function maskInUse(config: Config, environment: Environment): (text: string) => string {
  const { secrets, userNames } = secretsInUse(config, environment)
  return maskSecrets(secrets, userNames)
}

interface Login {
  readonly username: string | undefined
  readonly password: string | undefined
}

function loginOf(proxy: string | undefined): Login {
  if (!proxy || !URL.canParse(proxy)) return { username: undefined, password: undefined }
  const { username, password } = new URL(proxy)
  return { username: decoded(username), password: decoded(password) }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

function asHttpSendsIt({ username, password }: Login): string | undefined {
  return username && password ? Buffer.from(`${username}:${password}`).toString('base64') : undefined
}

/** Some services take their key there. */
function queryOf(url: string): string | undefined {
  return URL.canParse(url) ? new URL(url).search.slice(1) : undefined
}

const isText = (text: string | undefined): text is string => text !== undefined && text !== ''
