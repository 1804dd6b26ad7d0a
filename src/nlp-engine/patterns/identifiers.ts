import type { Pattern } from './pattern.js'

const awsDirections = '(?:north|south|east|west|central)(?:east|west)?'

const azureRegions =
  'eastus2?|westus[23]?|centralus|northcentralus|southcentralus|westcentralus|canadacentral|canadaeast|brazilsouth|northeurope|westeurope|' +
  'uksouth|ukwest|francecentral|germanywestcentral|swedencentral|switzerlandnorth|norwayeast|polandcentral|italynorth|spaincentral|' +
  'uaenorth|southafricanorth|eastasia|southeastasia|japaneast|japanwest|koreacentral|centralindia|southindia|westindia|australiaeast|australiasoutheast'

/** `utf_8` and the like have the form of a numbered thing and are none. */
const notNumbered = new Set([
  'utf',
  'sha',
  'md',
  'aes',
  'base',
  'win',
  'http',
  'tls',
  'ipv',
  'int',
  'uint',
  'float',
  'level',
  'version',
])

export const identifierPatterns: readonly Pattern[] = [
  {
    type: 'identifier',
    needs: ['-'],
    expression:
      /(?<![0-9a-z])(?:[a-z]{2,12}[-_])?[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}(?![0-9a-z])/gi,
  },
  {
    type: 'identifier',
    needs: ['0x'],
    expression: /(?<!\w)0x[0-9a-f]{4,16}(?!\w)/gi,
  },
  {
    // Hashes, trace ids, short commits: digits and letters mixed.
    type: 'identifier',
    expression: /(?<![\w.+-])[0-9a-f]{7,128}(?![\w.-]\w|\w)/gi,
    accepts: (candidate) => /\d\D*\d/.test(candidate) && /[a-f]/i.test(candidate),
  },
  {
    // ULIDs, AWS request ids and the like.
    type: 'identifier',
    expression: /(?<![\w.+-])[0-9A-Z]{16,40}(?![\w.-]\w|\w)/g,
    accepts: (candidate) => /\d\D*\d/.test(candidate) && /[A-Z]/.test(candidate),
  },
  {
    // Numbered things: blk_-123, rdd_2_0, job_20240312_0042, attempt_1448006111297_0138_m_000012_0.
    type: 'identifier',
    needs: ['_'],
    expression: /(?<![\w./-])[a-z]{2,24}_-?\d{1,20}(?:_[a-z0-9]{1,20}){0,6}(?!\w)/g,
    accepts: (candidate) => !notNumbered.has(candidate.slice(0, candidate.indexOf('_'))),
  },
  {
    // Whatever is called an id: request_id=…, "traceId":"…", queue id ….
    type: 'identifier',
    needs: ['id', 'Id', 'ID'],
    expression:
      /((?<![A-Za-z])(?:(?:[A-Za-z]{0,24}(?:[_-]id|Id|ID)|id|uuid|guid|xid|sid)["']?\s?[=:]\s?|(?:id|ID) )["']?)([A-Za-z0-9][\w-]{3,127})(?![\w%])/g,
    accepts: (candidate) => /\d/.test(candidate),
  },
  {
    // Requests and other things numbered with a hyphen: req-8f3a2c, i-0abc123def, CVE-2024-3094.
    type: 'identifier',
    needs: ['req-', 'i-', 'vol-', 'vpc-', 'subnet-', 'sg-', 'ami-', 'eni-', 'CVE-'],
    expression:
      /(?<![\w.-])(?:req-[\w-]{4,64}|(?:i|vol|vpc|subnet|sg|ami|eni)-[0-9a-f]{8,17}|CVE-\d{4}-\d{4,7})(?![\w-])/g,
    accepts: (candidate) => /\d/.test(candidate),
  },
  {
    type: 'cloud-region',
    needs: ['-'],
    expression: new RegExp(
      `(?<![\\w.-])(?:(?:us|eu|ap|ca|sa|me|af|il|mx|cn)-(?:gov-|iso-)?${awsDirections}-\\d[a-f]?|` +
        `(?:us|europe|asia|australia|northamerica|southamerica|me|africa)-${awsDirections}\\d{1,2}(?:-[a-f])?)(?![\\w-]|\\.\\w)`,
      'g',
    ),
  },
  { type: 'cloud-region', expression: new RegExp(`(?<![\\w.-])(?:${azureRegions})(?![\\w.-])`, 'g') },
]
