const afterPort = /^(?:[A-Z0-9_]+_)?PORT_\d+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?$/
const service = /^(?:[A-Z0-9_]+_)?SERVICE_(?:HOST|PORT(?:_[A-Z0-9_]+)?)$/
const port = /^(?:[A-Z0-9_]+_)?PORT$/
const linkValue = /^(?:tcp|udp|sctp):\/\//

/**
 * Whether a variable is one of the service links that Kubernetes injects for a Service called enrichd, or enrichd-something:
 * `ENRICHD_SERVICE_HOST`, `ENRICHD_PORT_8686_TCP`, `ENRICHD_ADMIN_PORT=tcp://10.0.0.7:8686`. The value tells the last kind
 * from the setting of that name.
 */
export function isServiceLink(variable: string, value: string): boolean {
  if (!variable.startsWith('ENRICHD_')) return false
  const rest = variable.slice('ENRICHD_'.length)
  return afterPort.test(rest) || service.test(rest) || (port.test(rest) && linkValue.test(value))
}
