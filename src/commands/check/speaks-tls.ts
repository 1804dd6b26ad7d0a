import { isIP } from 'node:net'
import { connect } from 'node:tls'

const TIMEOUT_MS = 2000

/** Whether whoever listens at the address of this URL speaks TLS: whatever its certificate, or its opinion of ours. */
export function speaksTls(url: string): Promise<boolean> {
  const { hostname, port, protocol } = new URL(url)
  const host = hostname.replace(/^\[|\]$/g, '')
  const name = isIP(host) === 0 ? { servername: host } : {}
  const at = port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port)
  return new Promise((resolve) => {
    const socket = connect({ host, port: at, rejectUnauthorized: false, ...name })
    const end = (speaks: boolean): void => {
      socket.destroy()
      resolve(speaks)
    }
    socket.setTimeout(TIMEOUT_MS, () => {
      end(false)
    })
    socket.on('secureConnect', () => {
      end(true)
    })
    socket.on('error', (error: Error) => {
      end(/alert/i.test(error.message))
    })
  })
}
