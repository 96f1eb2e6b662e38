/** Whether to run the long tests in full, as in `make soak`. */
export const isSoak = process.env.GROUNDSWELL_TEST_SOAK === '1';

export const inSoak = (long, short) => (isSoak ? long : short);
