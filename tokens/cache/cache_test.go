package cache_test

import (
	"strconv"
	"testing"

	"cocart-gateway/tokens/cache"
)

func TestACacheKeepsValuesUnderNames(t *testing.T) {
	c, err := cache.New[*int](10)
	if err != nil {
		t.Fatal(err)
	}
	one, two := new(int), new(int)
	c.Put("a", one)
	c.Put("b", one)
	c.Put("b", two)
	if v, ok := c.Get("a"); v != one || !ok {
		t.Errorf("a: %p, %v", v, ok)
	}
	if v, ok := c.Get("b"); v != two || !ok {
		t.Errorf("b after it was put twice: %p, %v", v, ok)
	}
	c.Remove("a")
	if v, ok := c.Get("a"); v != nil || ok {
		t.Errorf("a after it was removed: %p, %v", v, ok)
	}
	c.Empty()
	if v, ok := c.Get("b"); v != nil || ok {
		t.Errorf("b in an emptied cache: %p, %v", v, ok)
	}
}

func TestACacheKeepsItsSize(t *testing.T) {
	c, err := cache.New[int](10)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 1000 {
		c.Put(strconv.Itoa(i), i)
	}
	kept := 0
	for i := range 1000 {
		if _, ok := c.Get(strconv.Itoa(i)); ok {
			kept++
		}
	}
	if kept > 10 || kept == 0 {
		t.Errorf("%d values are kept, of 10 at most", kept)
	}
}

func TestANilCacheKeepsNothing(t *testing.T) {
	var c *cache.Cache[int]
	c.Put("a", 1)
	c.Remove("a")
	c.Empty()
	if v, ok := c.Get("a"); v != 0 || ok {
		t.Errorf("a: %d, %v", v, ok)
	}
}
