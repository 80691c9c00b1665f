export { mintTokenKey, openAccessToken, signAccessToken } from './access-token.ts'
export {
  type ApiKeyKind,
  hashApiKey,
  inspectApiKey,
  lastFour,
  maskApiKey,
  mintApiKey,
} from './api-key.ts'
export { equalSecrets } from './constant-time.ts'
export { open, type SealContext, SealError, seal, sealedWith } from './envelope.ts'
export { Keyring } from './keyring.ts'
export { type LedgerEntry, type LedgerHead, LedgerKey } from './ledger-key.ts'
export {
  createMasterKey,
  formatMasterKey,
  MasterKey,
  MasterKeyError,
  parseMasterKey,
} from './master-key.ts'
export { messageMac } from './message-mac.ts'
export { hashPassword, verifyPassword } from './password.ts'
export { type PasswordOwner, passwordProblem } from './password-problem.ts'
export type { RandomSource } from './random-source.ts'
export { Secret } from './secret.ts'
export {
  generateSigningKey,
  isSigningPublicKey,
  type SigningKeyPair,
  signatureFits,
  signText,
} from './signing-key.ts'
export { generateSshKeyPair, publicKeyOf, SshKeyError, sshFingerprint } from './ssh-key.ts'
export { mintToken, sha256Hex } from './token.ts'
export {
  formatWrappedMasterKey,
  isWrappedMasterKey,
  parseWrappedMasterKey,
  unwrapMasterKey,
  type WrappedMasterKey,
  wrappingContext,
} from './wrapped-master-key.ts'
