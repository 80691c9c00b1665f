/**
 * In each answer of our Racks to somebody it knows: how many keys the Rack has had. A Console that
 * sees it change without having rolled the key knows that somebody else did. It goes no further.
 */
export const KEY_GENERATION_HEADER = 'keyrack-key-generation'
