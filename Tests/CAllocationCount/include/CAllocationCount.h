#ifndef CALLOCATION_COUNT_H
#define CALLOCATION_COUNT_H

/// Heap allocations that the calling thread has made so far, in a test that links this target.
long thread_allocation_count(void);

#endif
