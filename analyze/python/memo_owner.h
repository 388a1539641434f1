/* What footprints belong to, where a process is decoded again and again. */
#ifndef PYSPY_ANALYZE_PYTHON_MEMO_OWNER_H
#define PYSPY_ANALYZE_PYTHON_MEMO_OWNER_H

/* The first member of each. */
enum memo_owner {
	MEMO_THREAD = 1, /* struct thread_memo */
	MEMO_CODE,	 /* struct code_entry */
	MEMO_MODULE,	 /* struct code_entry */
	MEMO_NAMES,
	MEMO_LOCATION,
};

#endif
