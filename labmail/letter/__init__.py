"""The letter itself: its bytes, read without changing them.

`arrows`   where a reply, a bounce, an automatic answer and a post to the list would go
"""
