/** Whether the long tests run in full, as `make soak` has it. */
export const isSoak = process.env.GROUNDSWELL_TEST_SOAK === '1';

export const inSoak = (long, short) => (isSoak ? long : short);
