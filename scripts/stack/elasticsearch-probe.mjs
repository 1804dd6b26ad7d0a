import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'

/**
 * Whether Elasticsearch does its work: its cluster is at least yellow, or it asks who we are.
 *
 * @param {string} url
 * @param {number} [timeoutMs]
 * @returns {Promise<boolean>} rejects while it does not answer
 */
export function answers(url, timeoutMs = 5000) {
  const request = url.startsWith('https:') ? httpsRequest : httpRequest
  // It is on loopback, and its certificate is whatever the test made.
  const options = { timeout: timeoutMs, agent: false, rejectUnauthorized: false }
  return new Promise((resolve, reject) => {
    const asked = request(`${url}/_cluster/health?wait_for_status=yellow&timeout=1s`, options, (response) => {
      response.resume()
      response.once('close', () => resolve(response.statusCode === 200 || response.statusCode === 401))
    })
    asked.once('timeout', () => asked.destroy(new Error(`${url} does not answer within ${timeoutMs} ms`)))
    asked.once('error', reject)
    asked.end()
  })
}
