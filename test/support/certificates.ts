import { createHash, createPrivateKey, generateKeyPairSync, randomBytes } from 'node:crypto'
import forge from 'node-forge'

/** A certificate and its private key, as PEM. */
export interface Identity {
  /** The certificate, then that of the authority which signed it. */
  readonly cert: string
  readonly key: string
}

export interface IssueOptions {
  readonly commonName: string
  /** Host names and IPv4 addresses that it is for. Default `localhost` and `127.0.0.1`. */
  readonly names?: readonly string[]
}

/** A certificate authority of a test's own. It signs for servers and for clients; all is valid for a day. */
export class CertificateAuthority {
  /** PEM. */
  readonly cert: string
  readonly #certificate: forge.pki.Certificate
  readonly #key: forge.pki.rsa.PrivateKey

  constructor(commonName = 'Test CA') {
    const { publicKey, privateKey } = keyPair()
    this.#key = privateKey
    this.#certificate = certificate(commonName, publicKey)
    this.#certificate.setIssuer(this.#certificate.subject.attributes)
    this.#certificate.setExtensions([
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, critical: true },
      { name: 'subjectKeyIdentifier' },
    ])
    this.#certificate.sign(privateKey, forge.md.sha256.create())
    this.cert = certificateToPem(this.#certificate)
  }

  /** SHA-256 of the certificate, in hexadecimal. */
  get fingerprint(): string {
    const der = forge.asn1.toDer(forge.pki.certificateToAsn1(this.#certificate)).getBytes()
    return createHash('sha256').update(Buffer.from(der, 'binary')).digest('hex')
  }

  issue(options: IssueOptions): Identity {
    return this.#issue(options, this.#key)
  }

  /** One that names this authority, and comes with its certificate, but was signed by somebody else. */
  forge(options: IssueOptions): Identity {
    return this.#issue(options, keyPair().privateKey)
  }

  #issue({ commonName, names = ['localhost', '127.0.0.1'] }: IssueOptions, signer: forge.pki.rsa.PrivateKey) {
    const { publicKey, privateKey } = keyPair()
    const issued = certificate(commonName, publicKey)
    issued.setIssuer(this.#certificate.subject.attributes)
    issued.setExtensions([
      { name: 'subjectAltName', altNames: names.map(toAltName) },
      { name: 'extKeyUsage', serverAuth: true, clientAuth: true },
      {
        name: 'authorityKeyIdentifier',
        keyIdentifier: this.#certificate.generateSubjectKeyIdentifier().getBytes(),
      },
    ])
    issued.sign(signer, forge.md.sha256.create())
    return { cert: certificateToPem(issued) + this.cert, key: keyToPem(privateKey) }
  }
}

/** The same key, to be read with the passphrase only. */
export function encryptKey(key: string, passphrase: string): string {
  return createPrivateKey(key)
    .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase })
    .toString()
}

function certificate(commonName: string, publicKey: forge.pki.rsa.PublicKey): forge.pki.Certificate {
  const made = forge.pki.createCertificate()
  made.publicKey = publicKey
  // Its first byte: positive, and not zero, which must not stand before a byte that is positive itself.
  made.serialNumber = `01${randomBytes(12).toString('hex')}`
  const hourMs = 3_600_000
  made.validity.notBefore = new Date(Date.now() - hourMs)
  made.validity.notAfter = new Date(Date.now() + 24 * hourMs)
  made.setSubject([{ name: 'commonName', value: commonName }])
  return made
}

/** From OpenSSL, which is quicker at it than JavaScript. */
function keyPair(): { publicKey: forge.pki.rsa.PublicKey; privateKey: forge.pki.rsa.PrivateKey } {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  })
  return {
    publicKey: forge.pki.publicKeyFromPem(publicKey),
    privateKey: forge.pki.privateKeyFromPem(privateKey),
  }
}

/** forge ends lines with CR LF, which Java's properties files do not take. */
function certificateToPem(of: forge.pki.Certificate): string {
  return forge.pki.certificateToPem(of).replaceAll('\r', '')
}

function keyToPem(key: forge.pki.rsa.PrivateKey): string {
  return createPrivateKey(forge.pki.privateKeyToPem(key)).export({ type: 'pkcs8', format: 'pem' }).toString()
}

const dnsName = 2
const ipAddress = 7

function toAltName(name: string): { type: number; value?: string; ip?: string } {
  return /^[\d.]+$/.test(name) ? { type: ipAddress, ip: name } : { type: dnsName, value: name }
}
