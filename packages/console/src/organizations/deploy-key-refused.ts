import { DEPLOY_COMMANDS, KeyrackError } from '@keyrack/protocol'

/** The refusal of whatever is not on the list of what deploy keys are for. */
export function deployKeyRefused(): KeyrackError {
  return new KeyrackError('forbidden', 'a deploy key may not do this', {
    hint: `it is good for ${DEPLOY_COMMANDS.join(', ')}; for more, use the API key of an account`,
  })
}
