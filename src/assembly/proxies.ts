import type { ProxyVariables } from '../enrich/proxy-for.js'

export type Environment = Readonly<Record<string, string | undefined>>

/** The proxy variables, in lower or upper case. */
export function proxiesOf(environment: Environment): ProxyVariables {
  const read = (name: string) => environment[name] ?? environment[name.toUpperCase()]
  return { httpProxy: read('http_proxy'), httpsProxy: read('https_proxy'), noProxy: read('no_proxy') }
}
