/** The proxy variables as they are usually set, handed in: `http_proxy`, `https_proxy`, `no_proxy`. */
export interface ProxyVariables {
  readonly httpProxy?: string | undefined
  readonly httpsProxy?: string | undefined
  /** Comma-separated: `*`, `host`, `host:port`, `.domain`, `*.domain`; a host stands for its subdomains too. */
  readonly noProxy?: string | undefined
}

/** The proxy that a url is asked through, `undefined` for none. Without `httpsProxy`, https goes directly. */
export function proxyFor(url: string, variables: ProxyVariables): string | undefined {
  const { protocol, hostname, port } = new URL(url)
  const proxy = protocol === 'https:' ? variables.httpsProxy : variables.httpProxy
  if (!proxy) return undefined
  const ownPort = port || (protocol === 'https:' ? '443' : '80')
  const exempt = (variables.noProxy ?? '').split(/[,\s]+/).some((entry) => matches(entry, hostname, ownPort))
  return exempt ? undefined : proxy
}

function matches(entry: string, hostname: string, port: string): boolean {
  if (entry === '') return false
  if (entry === '*') return true
  const [, host = entry, onlyPort] = /^(.+?)(?::(\d+))?$/.exec(entry) ?? []
  if (onlyPort !== undefined && onlyPort !== port) return false
  const name = host.replace(/^\*?\./, '').toLowerCase()
  return hostname === name || hostname.endsWith(`.${name}`)
}
